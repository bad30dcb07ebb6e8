# What a newcomer types. `make run` and `make test` get all that they need; both work again without the network.

.DEFAULT_GOAL := help
SOURCES := $(shell find proxy -name '*.ts' -not -path 'proxy/test/*') package.json tsconfig.json tsconfig.build.json
PEER := $(wildcard proxy/test/peer/*.go proxy/test/peer/go.*)
PAGE := $(shell find extension-ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.spec.ts') icon.svg

IMAGE ?= ghcr.io/memobuild/memobuild
# What is built and installed on this machine.
LOCAL_IMAGE ?= memobuild:latest

.PHONY: help run test build tools check bench clean ui dev-ui image
.PHONY: build-extension install-extension update-extension validate-extension prepare-buildx push-extension

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-20s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ui tools ## start MemoBuild with its embedded BuildKit, and register it as the buildx builder "memobuild"
	@scripts/run

test: build ui tools .tools/bin/grpc-peer ## run all tests, on Node 20 or whatever is on PATH and on Node 24, against real BuildKit
	@scripts/test

build: dist/main.js ## install the dependencies and compile; then `npx memobuild` is the command line

tools: ## put buildkitd, buildctl and buildx into .tools/bin
	@scripts/get-tools

check: node_modules/.package-lock.json extension-ui/node_modules/.package-lock.json ## format, lint, types, unit tests
	@npm run check

bench: build tools .tools/bin/grpc-peer ## measure the relay against direct connections
	@npm run bench -- relay

ui: extension-ui/dist/index.html ## build the page, which the next start of MemoBuild serves

dev-ui: extension-ui/node_modules/.package-lock.json ## serve the page as it is edited, on the data of a MemoBuild on this machine
	@npm --prefix extension-ui run dev

image: ## build the image of MemoBuild, its page, its builder and the extension
	docker build --tag $(LOCAL_IMAGE) --build-arg REVISION=$$(git rev-parse HEAD) .

build-extension: image ## the same image, as Docker Desktop's extension

install-extension: build-extension ## install the extension in Docker Desktop
	docker extension install $(LOCAL_IMAGE)

update-extension: build-extension ## replace the extension that is installed; its data stays
	docker extension update $(LOCAL_IMAGE)

validate-extension: node_modules/.package-lock.json ## check the extension as far as that goes offline
	@scripts/validate-extension $(tag)

prepare-buildx: ## make the builder that push-extension builds for all platforms with
	docker buildx inspect memobuild-release >/dev/null 2>&1 || \
		docker buildx create --name memobuild-release --driver docker-container

push-extension: validate-extension prepare-buildx ## build for all platforms and push as tag=1.2.3, which must be new
	@scripts/push-extension $(IMAGE) $(tag)

clean: ## remove everything that these targets made
	rm -rf dist node_modules .tools extension-ui/dist extension-ui/node_modules

node_modules/.package-lock.json: package-lock.json
	npm ci

dist/main.js: node_modules/.package-lock.json $(SOURCES)
	@npm run build
	@touch $@

.tools/bin/grpc-peer: $(PEER)
	@mkdir -p $(@D)
	go build -C proxy/test/peer -mod=readonly -o $(CURDIR)/$@ .

extension-ui/node_modules/.package-lock.json: extension-ui/package-lock.json
	npm --prefix extension-ui ci

extension-ui/dist/index.html: extension-ui/node_modules/.package-lock.json $(PAGE)
	@npm --prefix extension-ui run build
	@touch $@
