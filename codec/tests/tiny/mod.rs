//! A Whisper model in ggml's format, as small as whisper.cpp takes it, with random weights.

#![allow(unreachable_pub, dead_code, reason = "tests of two crates share it")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const WORDS: i32 = 51_865;
const CONTEXT: i32 = 1500;
const STATE: i32 = 64;
const HEADS: i32 = 2;
const LAYERS: i32 = 1;
const TEXT_CONTEXT: i32 = 448;
const MELS: i32 = 80;
const BINS: i32 = 201;

/// Words that have a text; the others are the format's own.
const LISTED: i32 = 2000;

/// Types of weights: 32 and 16 bits.
const SINGLE: i32 = 0;
const HALF: i32 = 1;

/// Bytes of the weight that stands last: three sizes of head, its own, its name, its numbers.
pub const LAST: usize = 12 + 4 + "decoder.blocks.0.cross_attn.out.bias".len() + 64 * 4;

/// Writes one into a folder.
pub fn write(folder: &Path) -> PathBuf {
    let path = folder.join("ggml-random.bin");
    let mut model = Model {
        file: BufWriter::new(File::create(&path).expect("a file")),
        seed: 1,
    };
    model.all();
    model.file.flush().expect("written");
    path
}

struct Model {
    file: BufWriter<File>,
    seed: u64,
}

impl Model {
    fn all(&mut self) {
        self.number(0x6767_6d6c);
        let head = [
            WORDS,
            CONTEXT,
            STATE,
            HEADS,
            LAYERS,
            TEXT_CONTEXT,
            STATE,
            HEADS,
            LAYERS,
            MELS,
            HALF,
        ];
        for number in head {
            self.number(number);
        }
        self.number(MELS);
        self.number(BINS);
        for mel in 0..MELS {
            for bin in 0..BINS {
                let near = (bin * MELS / BINS - mel).abs() < 2;
                self.bytes(&(if near { 0.01f32 } else { 0.0 }).to_le_bytes());
            }
        }
        self.number(LISTED);
        for word in 0..LISTED {
            let text = if word == 0 {
                " ".to_owned() // whisper.cpp wants to know which one is the blank
            } else {
                format!(" word{word}")
            };
            self.number(i32::try_from(text.len()).expect("short"));
            self.bytes(text.as_bytes());
        }
        self.encoder();
        self.decoder();
    }

    fn encoder(&mut self) {
        self.tensor("encoder.positional_embedding", SINGLE, &[STATE, CONTEXT]);
        self.tensor("encoder.conv1.weight", HALF, &[3, MELS, STATE]);
        self.tensor("encoder.conv1.bias", SINGLE, &[1, STATE]);
        self.tensor("encoder.conv2.weight", HALF, &[3, STATE, STATE]);
        self.tensor("encoder.conv2.bias", SINGLE, &[1, STATE]);
        self.norm("encoder.ln_post");
        for layer in 0..LAYERS {
            let block = format!("encoder.blocks.{layer}");
            self.mlp(&block);
            self.attention(&block, "attn");
        }
    }

    fn decoder(&mut self) {
        self.tensor(
            "decoder.positional_embedding",
            SINGLE,
            &[STATE, TEXT_CONTEXT],
        );
        self.tensor("decoder.token_embedding.weight", HALF, &[STATE, WORDS]);
        self.norm("decoder.ln");
        for layer in 0..LAYERS {
            let block = format!("decoder.blocks.{layer}");
            self.mlp(&block);
            self.attention(&block, "attn");
            self.attention(&block, "cross_attn");
        }
    }

    fn norm(&mut self, name: &str) {
        self.tensor(&format!("{name}.weight"), SINGLE, &[STATE]);
        self.tensor(&format!("{name}.bias"), SINGLE, &[STATE]);
    }

    fn mlp(&mut self, block: &str) {
        self.norm(&format!("{block}.mlp_ln"));
        self.tensor(&format!("{block}.mlp.0.weight"), HALF, &[STATE, 4 * STATE]);
        self.tensor(&format!("{block}.mlp.0.bias"), SINGLE, &[4 * STATE]);
        self.tensor(&format!("{block}.mlp.2.weight"), HALF, &[4 * STATE, STATE]);
        self.tensor(&format!("{block}.mlp.2.bias"), SINGLE, &[STATE]);
    }

    fn attention(&mut self, block: &str, name: &str) {
        self.norm(&format!("{block}.{name}_ln"));
        for part in ["query", "key", "value", "out"] {
            self.tensor(
                &format!("{block}.{name}.{part}.weight"),
                HALF,
                &[STATE, STATE],
            );
            if part != "key" {
                self.tensor(&format!("{block}.{name}.{part}.bias"), SINGLE, &[STATE]);
            }
        }
    }

    fn tensor(&mut self, name: &str, kind: i32, sizes: &[i32]) {
        self.number(i32::try_from(sizes.len()).expect("few"));
        self.number(i32::try_from(name.len()).expect("short"));
        self.number(kind);
        for size in sizes {
            self.number(*size);
        }
        self.bytes(name.as_bytes());
        for _ in 0..sizes.iter().product::<i32>() {
            // 0.03 or 0.06, of either sign: as 32 bits, and as 16 bits (IEEE 754).
            self.seed = self
                .seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let bits = u16::try_from(self.seed >> 48).expect("16 bits");
            let half = (bits & 0x8000) | if bits & 1 == 0 { 0x2800 } else { 0x2c00 };
            if kind == HALF {
                self.bytes(&half.to_le_bytes());
            } else {
                let size = if bits & 1 == 0 { 0.031_25f32 } else { 0.0625 };
                let value = if bits & 0x8000 == 0 { size } else { -size };
                self.bytes(&value.to_le_bytes());
            }
        }
    }

    fn number(&mut self, number: i32) {
        self.bytes(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).expect("written");
    }
}
