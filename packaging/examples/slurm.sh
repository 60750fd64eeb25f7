#!/bin/bash
# Measures a server from a node of its own: sbatch slurm.sh URL|SPEC [OPTION of llmsweep run...]
# The batch shell becomes llmsweep, so that Slurm's TERM before the time limit ends the sweep in order;
# `llmsweep run SPEC --resume FOLDER` goes on. One process: it starts a thread for each core it needs.
#SBATCH --job-name=llmsweep
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --hint=nomultithread
#SBATCH --time=02:00:00
#SBATCH --signal=B:TERM@60
set -euo pipefail
target=${1:?usage: sbatch slurm.sh URL|SPEC [OPTION...]}
shift
exec llmsweep run "$target" --out "${SLURM_SUBMIT_DIR:-.}/results/${SLURM_JOB_ID:-0}" --wait 30m "$@"
