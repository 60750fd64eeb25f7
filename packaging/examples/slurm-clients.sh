#!/bin/bash
# Measures a server from several nodes, each of which sends its part of the load (docs/scale.md):
# sbatch [--nodes=N] slurm-clients.sh SPEC [OPTION of llmsweep run...]
# LEAD: how long clients get to start, s; EVERY: the time of the longest run and some more.
#SBATCH --job-name=llmsweep-clients
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --hint=nomultithread
#SBATCH --time=02:00:00
#SBATCH --signal=TERM@60
set -euo pipefail
spec=${1:?usage: sbatch slurm-clients.sh SPEC [OPTION...]}
shift
out=${SLURM_SUBMIT_DIR:-.}/results/${SLURM_JOB_ID:-0}
start=$(date -u -d "+${LEAD:-90} seconds" +%FT%TZ)
# A client that is lost leaves its folder: merge says of which runs.
srun --kill-on-bad-exit=0 llmsweep run "$spec" --part auto --start-at "$start" --every "${EVERY:-5m}" \
    --set "workload.nonce=slurm-${SLURM_JOB_ID:-0}" --out "$out/parts" "$@" || echo "a client failed" >&2
llmsweep merge "$out"/parts/*/ --out "$out/merged"
