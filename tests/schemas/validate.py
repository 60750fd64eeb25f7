"""Validates JSON or JSON-lines files against a JSON Schema: validate.py SCHEMA FILE...

Exit status: 0 valid, 1 not valid (each error on a line), 77 the jsonschema package is absent.
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)


def documents(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines()]
    return [json.loads(text)]


def main(schema_path, paths):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    validator_class = jsonschema.validators.validator_for(schema)
    validator_class.check_schema(schema)
    validator = validator_class(schema)
    failures = 0
    for path in paths:
        for document in documents(path):
            for error in validator.iter_errors(document):
                print(f"{path}: {error.json_path}: {error.message[:300]}")
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
