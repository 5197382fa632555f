@group(0) @binding(5) var<storage, read_write> result: array<f32>;

fn store(at: u32, value: f32) {
    result[at] = value;
}
