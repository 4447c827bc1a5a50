#!/usr/bin/env bash
# Lets schemathesis loose on the running server (CALLS_URL) with the OpenAPI document that it serves:
# no 5xx, and no answer that the document does not allow. Bounded in time, and the same every run.
set -euo pipefail
cd "$(dirname "$0")/../.."

checks=not_a_server_error,status_code_conformance,content_type_conformance
checks+=,response_headers_conformance,response_schema_conformance

# run PHASES SECONDS: the phases share the time, so those that could use all of it have a run of their own.
# One worker: CPython 3.11 breaks off (SystemError) when two threads parse Python source at once, as hypothesis does.
run() {
  timeout $(($2 + 60)) .venv/bin/schemathesis --config-file tests/python/schemathesis.toml run \
    "$CALLS_URL/api/v1/calls/openapi.json" --phases "$1" --max-time "$2" \
    --checks "$checks" --max-examples 15 --seed 20 --workers 1 --request-timeout 10 \
    --exclude-path /api/v1/calls/ws --continue-on-failure --no-shrink --suppress-health-check all --warnings off
}

run examples,coverage 110
run fuzzing,stateful 40
