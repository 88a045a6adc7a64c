#!/bin/bash
# Publishes a trained denoiser: the released codec with it, scores on noisy speech beside RNNoise,
# golden vectors. Codec and entropy tables stay those of CODEC_DIR, so files and decoders do.
#
#     tools/release/release_denoise.sh average.npz prepared pretrained/speech pretrained/speech_denoise
set -euo pipefail
if [ $# -ne 4 ]; then
  echo "usage: $0 WEIGHTS DATA_DIR CODEC_DIR OUTPUT_DIR" >&2
  exit 1
fi
weights=$1 data_dir=$2 codec_dir=$3 output_dir=$4
cd "$(dirname "$0")/../.."
run=.venv/bin/python
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir -p "$output_dir"
cp "$weights" "$output_dir/weights.npz"
$run export/to_tflite.py --weights="$output_dir/weights.npz" --output_dir="$output_dir" \
  --flavour=dynamic_int8
if ! cmp "$codec_dir/decoder_dynamic_int8.tflite" "$output_dir/decoder_dynamic_int8.tflite"; then
  echo "$weights was trained for another codec than $codec_dir" >&2
  exit 1
fi
cp "$codec_dir"/entropy_coding.json "$codec_dir"/entropy_tables.bin "$output_dir"
$run tests/golden/make_model_vectors.py "$output_dir"
$run data/noisy_pairs.py --data_dir="$data_dir" --output_dir="$scratch/pairs" --max_seconds=4
# What others do is done with the codec alone, whose encoder takes less time; scores are gone on with.
score() {
  $run evaluate.py --noisy_dir="$scratch/pairs/noisy" --clean_dir="$scratch/pairs/clean" \
    --output_dir="$scratch/scores" --model_dir="$1" --codecs="$2" --bitrate_bps=6000 \
    --listening_max_files=0 \
    --metrics=visqol_speech,pesq_wb,estoi,si_sdr,dnsmos,entropy_kbps,real_time_factor
}
two_stages=rnnoise+soundstream,soundstream+rnnoise
score "$codec_dir" "soundstream,$two_stages,original"
score "$output_dir" "soundstream_denoise,soundstream,$two_stages,original"
# The command in scores.json names the folders by what they hold, not by where they were.
sed -e "s|$output_dir|pretrained/$(basename "$output_dir")|; s|$scratch/pairs|pairs|g; s|$scratch/scores|scores|" \
  "$scratch/scores/scores.json" > "$output_dir/scores.json"
$run tools/release/model_table.py
# The tables of the model card.
$run tools/measured.py
