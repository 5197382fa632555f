@group(0) @binding(4) var<storage, read> image: array<f32>;

fn load(at: u32) -> f32 {
    return image[at];
}
