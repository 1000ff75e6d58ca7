# The two commands of the README are `make run` and `make test`. Each does the set-up that
# is missing (deploy/setup), so both work from a clean clone, and again.

CARGO ?= cargo
ARGS ?=
# Which mode the console is compiled in: nothing, or --dev for quick work on it.
CONSOLE ?=
BUNDLE = $(CARGO) run --locked --quiet -p gnomon-web-bundle -- $(CONSOLE)
LISTEN ?= 127.0.0.1:7070

.PHONY: run test browser console console-dev build release lint fmt measure setup clean-sample

## A standalone instance with a few sample jobs, in the foreground. Ctrl-C ends it.
## `make run LISTEN=127.0.0.1:9000` takes another port; ARGS="..." passes further options on
## to `gnomon standalone`.
run:
	@deploy/setup build console
	@$(BUNDLE)
	@$(CARGO) build --locked -p gnomon
	@LISTEN=$(LISTEN) deploy/run $(ARGS)

## Every test there is. The process tests start their own etcd, PostgreSQL and MariaDB, the
## browser tests their own Chromium. The console's crates stand apart: built together with
## the others, they would change the features of what all depend on, and all be built twice.
test:
	@deploy/setup test console
	$(BUNDLE)
	$(CARGO) build --locked -p gnomon
	$(CARGO) test --locked --workspace --exclude gnomon-web --exclude gnomon-web-bundle
	$(CARGO) test --locked -p gnomon-web
	$(CARGO) test --locked -p gnomon-web-bundle
	cd tests/browser && npm test

## Only the browser tests. `make browser CONSOLE=--dev` compiles the console quickly.
browser:
	@deploy/setup test console
	@$(BUNDLE)
	@$(CARGO) build --locked -p gnomon
	cd tests/browser && npm test

## The console's files, in web/dist. `cargo build -p gnomon` takes them into the binary.
console:
	@deploy/setup build console
	@$(BUNDLE) --check

## The same, compiled quickly, and the binary with it: for work on the console.
console-dev:
	@deploy/setup build console
	@$(CARGO) run --quiet -p gnomon-web-bundle -- --dev
	@$(CARGO) build -p gnomon

## The binary for a server: target/release/gnomon.
release:
	@deploy/setup build console
	@$(BUNDLE)
	$(CARGO) build --locked --release -p gnomon

## What CI asks for besides the tests.
lint:
	@deploy/setup build lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all

## The numbers of docs/PERFORMANCE.md, measured on this machine.
measure:
	@deploy/setup test
	$(CARGO) build --locked --release -p gnomon -p gnomon-tests
	target/release/measure

## Only the set-up.
setup:
	@deploy/setup build console test lint

## Forget the instance that `make run` made.
clean-sample:
	rm -rf .gnomon
