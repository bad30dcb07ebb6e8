# What a newcomer types. `make run` and `make test` get all that they need; both work again without the network.

.DEFAULT_GOAL := help
SOURCES := $(shell find proxy -name '*.ts' -not -path 'proxy/test/*') package.json tsconfig.json tsconfig.build.json
PEER := $(wildcard proxy/test/peer/*.go proxy/test/peer/go.*)

.PHONY: help run test build tools check bench clean

help: ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: build tools ## start MemoBuild with its embedded BuildKit, and register it as the buildx builder "memobuild"
	@scripts/run

test: build tools .tools/bin/grpc-peer ## run all tests, on Node 20 or whatever is on PATH and on Node 24, against real BuildKit
	@scripts/test

build: dist/main.js ## install the dependencies and compile; then `npx memobuild` is the command line

tools: ## put buildkitd, buildctl and buildx into .tools/bin
	@scripts/get-tools

check: node_modules/.package-lock.json ## format, lint, types, unit tests
	@npm run check

bench: build tools .tools/bin/grpc-peer ## measure the relay against direct connections
	@npm run bench -- relay

clean: ## remove everything that these targets made
	rm -rf dist node_modules .tools

node_modules/.package-lock.json: package-lock.json
	npm ci

dist/main.js: node_modules/.package-lock.json $(SOURCES)
	@npm run build
	@touch $@

.tools/bin/grpc-peer: $(PEER)
	@mkdir -p $(@D)
	go build -C proxy/test/peer -mod=readonly -o $(CURDIR)/$@ .
