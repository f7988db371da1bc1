PORT ?= 8080

.PHONY: run test check check-engines bench clean

run:
	@scripts/install
	@.venv/bin/rushes up --port $(PORT) $(ARGS)

test:
	@scripts/install --dev
	@scripts/test

check:
	@scripts/install --dev
	@scripts/check

check-engines:
	@scripts/install --dev
	@scripts/check-engines

bench:
	@scripts/install --dev
	@scripts/bench

clean:
	rm -rf .venv .cache .hypothesis .mypy_cache .ruff_cache web/node_modules web/dist
