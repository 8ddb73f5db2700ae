#!/bin/sh
# Makes speech.wav: three sentences by Festival's voice cmu_us_slt_arctic_hts, with pauses between them.
# Debian: apt-get install festival festvox-us-slt-hts ffmpeg
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
say() {
  echo "(voice_cmu_us_slt_arctic_hts) (utt.save.wave (utt.synth (Utterance Text \"$2\")) \"$folder/$1.wav\")" >"$folder/$1.scm"
  festival -b "$folder/$1.scm"
}
say 1 'Hello, and welcome to the avatar farm.'
say 2 'A portrait and a voice are all that your video needs.'
say 3 'Here you see the draft, and when you like it, the farm renders the real thing.'
ffmpeg -v error -y -i "$folder/1.wav" -i "$folder/2.wav" -i "$folder/3.wav" -filter_complex \
  '[0]apad=pad_dur=0.7[a];[1]apad=pad_dur=0.8[b];[a][b][2]concat=n=3:v=0:a=1,loudnorm=I=-19:TP=-2,aresample=24000' \
  -map_metadata -1 -bitexact -ac 1 -c:a pcm_s16le "$(dirname "$0")/speech.wav"
