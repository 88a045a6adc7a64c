#!/bin/bash
# Publishes what a training run has reached: weights, a checkpoint to resume from, TFLite files,
# entropy tables, golden vectors and scores beside other codecs, all into pretrained/NAME.
#
#     tools/release/release.sh runs/speech prepared pretrained/speech [folder of Lyra V2's .tflite files]
#
# JUDGES_PYTHON in the environment names the Python of requirements-judges.txt: judges score too.
set -euo pipefail
if [ $# -lt 3 ] || [ $# -gt 4 ]; then
  echo "usage: $0 TRAIN_DIR DATA_DIR OUTPUT_DIR [LYRA_DIR]" >&2
  exit 1
fi
train_dir=$1 data_dir=$2 output_dir=$3 lyra_dir=${4:-}
cd "$(dirname "$0")/../.."
run=.venv/bin/python
scores=$(mktemp -d)
trap 'rm -rf "$scores"' EXIT

model_id() { sed -n 's/.*"model_id": "\([0-9a-f]*\)".*/\1/p' "$output_dir/metadata.json" 2>/dev/null || true; }

before=$(model_id)
$run tools/release/release.py --train_dir="$train_dir" --data_dir="$data_dir" --output_dir="$output_dir"
$run tools/release/restore_level.py --weights="$output_dir/weights.npz" --data_dir="$data_dir" \
  --output="$output_dir/weights.npz"
$run export/to_tflite.py --weights="$output_dir/weights.npz" --output_dir="$output_dir" \
  --flavour=dynamic_int8,float16
# A decoder that was trained on reads the same codes: files coded before need the tables they had.
if [ "$(model_id)" != "$before" ]; then
  $run tools/release/learn_entropy_tables.py --model_dir="$output_dir" --data_dir="$data_dir"
fi
$run tests/golden/make_model_vectors.py "$output_dir"
$run evaluate.py --input_dir="$data_dir" --split=valid --model_dir="$output_dir" \
  --codecs="soundstream,opus,original${lyra_dir:+,lyra}" ${lyra_dir:+--lyra_dir="$lyra_dir"} \
  --bitrate_bps=3000,6000,9000,12000,18000 --opus_bitrate_bps=6000,12000 --max_files=54 \
  --max_seconds=5 --listening_max_files=0 --output_dir="$scores" \
  ${JUDGES_PYTHON:+--judges_python="$JUDGES_PYTHON"} \
  --metrics=dnsmos,periodic_1500,periodic_3000,periodic_4500,visqol_speech,pesq_wb,estoi,si_sdr,mel_distance
# The command in scores.json names the folders by what they hold, not by where they were.
sed -e "s|$output_dir|pretrained/$(basename "$output_dir")|; s|$data_dir|prepared|; s|${lyra_dir:-lyra}|lyra|; s|$scores|scores|; s|${JUDGES_PYTHON:-judges}|judges/bin/python|" \
  "$scores/scores.json" > "$output_dir/scores.json"
$run tools/release/model_table.py
# The tables of the model card.
$run tools/measured.py
