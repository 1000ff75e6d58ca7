# The two commands of the README are `make run` and `make test`. Each does the set-up that
# is missing (deploy/setup), so both work from a clean clone, and again.

CARGO ?= cargo
ARGS ?=
LISTEN ?= 127.0.0.1:7070

.PHONY: run test build release lint fmt measure setup clean-sample

## A standalone instance with a few sample jobs, in the foreground. Ctrl-C ends it.
## `make run LISTEN=127.0.0.1:9000` takes another port; ARGS="..." passes further options on
## to `gnomon standalone`.
run:
	@deploy/setup build
	@$(CARGO) build --locked -p gnomon
	@LISTEN=$(LISTEN) deploy/run $(ARGS)

## Every test there is. The process tests start their own etcd, PostgreSQL and MariaDB.
test:
	@deploy/setup test
	$(CARGO) build --locked -p gnomon
	$(CARGO) test --locked --workspace

## The binary for a server: target/release/gnomon.
release:
	@deploy/setup build
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
	@deploy/setup build test lint

## Forget the instance that `make run` made.
clean-sample:
	rm -rf .gnomon
