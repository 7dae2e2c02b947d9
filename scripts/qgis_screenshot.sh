#!/usr/bin/env bash
# Takes the picture of the documentation: the real QGIS under Xvfb, the plugin's zip installed, a run by the real engine.
# Needs xvfb and imagemagick.
# Usage: scripts/qgis_screenshot.sh SCENE CLASSES [PICTURE]
set -euo pipefail
cd "$(dirname "$0")/.."

scene=$(realpath "$1")
classes=$2
picture=$(realpath -m "${3:-docs/images/qgis_panel.png}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/python scripts/build_plugin.py --out "$work"
plugins="$work/profiles/default/python/plugins"
mkdir -p "$plugins" "$work/profiles/default/QGIS" "$(dirname "$picture")"
/usr/bin/python3 -m zipfile -e "$work"/geo_ovss_qgis-*.zip "$plugins"
cat > "$work/profiles/default/QGIS/QGIS3.ini" <<INI
[PythonPlugins]
geo_ovss_qgis=true

[qgis]
checkVersion=false
showTips=false
newsFeed\feedUrl=

[locale]
overrideFlag=true
userLocale=en_US

[geo_ovss]
interpreter=$PWD/.venv/bin/python
data_folder=$work/data
INI

SCENE=$scene CLASSES=$classes PICTURE=$picture QGIS_CUSTOM_CONFIG_PATH=$work XDG_RUNTIME_DIR=$work HOME=$work \
  xvfb-run --auto-servernum --server-args="-screen 0 1500x940x24" \
  timeout 900 qgis --nologo --noversioncheck --profiles-path "$work" --code "$PWD/scripts/qgis_screenshot.py"
convert "$picture" -colors 255 "png8:$picture"
ls -l "$picture"
