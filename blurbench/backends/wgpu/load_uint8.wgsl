@group(0) @binding(4) var<storage, read> image: array<u32>;  // four pixels a word

fn load(at: u32) -> f32 {
    return f32(extractBits(image[at / 4u], at % 4u * 8u, 8u));
}
