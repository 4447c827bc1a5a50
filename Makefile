# Every target installs what it needs by itself (scripts/setup); the only thing assumed is a Rust toolchain.
# Each recipe is one line on purpose: what a target does stands in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run install test unit lint fmt bench load fuzz chaos recordings docs speech-model speech-eval speech-figures

KILLS ?= 100
SCENARIO ?= meeting
TARGET ?= all
STAGES ?=
BENCH ?=
ARGS ?=

help: ## This list
	@scripts/help

run: ## Build for release and serve on http://127.0.0.1:8080, open to this machine only
	@scripts/run

install: ## Build for release and put `calls` into ~/.cargo/bin
	@scripts/install

test: ## Everything CI checks; STAGES="lint e2e" for some of it
	@scripts/test $(STAGES)

unit: ## Tests that need no service, in under a minute
	@scripts/unit

lint: ## Formatting, clippy, shellcheck, typos and, where installed, cargo-deny and cargo-machete
	@scripts/lint

fmt: ## Format all code
	@cargo fmt --all

bench: ## Microbenchmarks of the hot path; BENCH="-- --quick" for a first look
	@cargo bench --workspace --features testing --benches $(BENCH)

load: ## Server and a simulated crowd, measured; SCENARIO=name of one below, ARGS="--floor"
	@scripts/load $(SCENARIO) $(ARGS)

fuzz: ## Fuzz the parsers for a minute each; TARGET=name for one
	@scripts/fuzz $(TARGET)

chaos: ## Random kills under load, KILLS of them, and a database that is away for a minute, networks that narrow and lose
	@scripts/chaos $(KILLS)

recordings: ## Real browsers recorded for ten minutes, and twenty kills meanwhile; ARGS="SECONDS KILLS" for others
	@scripts/recordings $(ARGS)

docs: ## Rust documentation in target/doc, and docs/openapi.json and docs/asyncapi.json anew
	@scripts/docs

speech-model: ## Make a small English speech model from synthetic speech, in .tools/speech/model; stop and go on as you like
	@scripts/speech-model

speech-figures: ## Captions: latency and cost of forty who speak at once, latency through a server; ARGS=FILE.json to keep them
	@scripts/speech-figures $(ARGS)

speech-eval: ## Word error rates of speech/model by the stock libvosk, for each voice; ARGS="--model FOLDER" for another
	@scripts/speech-eval $(ARGS)
