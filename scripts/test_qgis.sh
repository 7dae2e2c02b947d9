#!/usr/bin/env bash
# The plugin's tests in the real QGIS, under the Python that QGIS was built for (Debian's own).
# Installs QGIS where it may (Debian, root); elsewhere the tests are skipped and the reason is printed.
set -euo pipefail
cd "$(dirname "$0")/.."

python=/usr/bin/python3
venv=.venv-qgis

skip() {
  echo "SKIPPED [tests/qgis] $1"
  exit 0
}

has_qgis() {
  [ -x "$python" ] && QT_QPA_PLATFORM=offscreen "$python" -c 'import qgis.core' >/dev/null 2>&1
}

if ! has_qgis; then
  command -v apt-get >/dev/null || skip "PyQGIS is not installed, and this is no Debian: install QGIS 3.22 or later"
  [ "$(id -u)" = 0 ] || skip "PyQGIS is not installed: as root, apt-get install qgis python3-qgis"
  echo "Installing QGIS (about 270 MB)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    qgis python3-qgis python3-venv python3-setuptools python3-wheel >/dev/null || skip "QGIS cannot be installed here"
  has_qgis || skip "PyQGIS was installed but cannot be imported by $python"
fi

if [ ! -e "$venv/.stamp" ] || [ scripts/test_qgis.sh -nt "$venv/.stamp" ]; then
  "$python" -m venv --clear --system-site-packages "$venv"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check "pytest>=8" "pytest-qgis==5.0.2"
  touch "$venv/.stamp"
fi

XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$(mktemp -d)}" QT_QPA_PLATFORM=offscreen \
  exec "$venv/bin/python" -m pytest tests/qgis "$@"
