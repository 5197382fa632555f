// Four pixels a word. Those of one word may belong to several threads, so each changes its own
// bytes only.
@group(0) @binding(5) var<storage, read_write> result: array<atomic<u32>>;

fn rounded(value: f32) -> u32 {
    return u32(clamp(round(value), 0.0, 255.0));
}

fn store_word(word: u32, bits: u32, mask: u32) {
    if mask == 0xffffffffu {
        atomicStore(&result[word], bits);
    } else if mask != 0u {
        atomicAnd(&result[word], ~mask);
        atomicOr(&result[word], bits);
    }
}

fn store(at: u32, value: f32) {
    let shift = at % 4u * 8u;
    store_word(at / 4u, rounded(value) << shift, 255u << shift);
}
