// What every kernel shares. An image is rows of interleaved values; a row has `row` of them.
//
// The tables hold where the rows and columns of the image and its margins come from, as distances
// in values from the start of `image`; OUTSIDE is what the constant border supplies.

struct Shape {
    row: u32,       // values of a row
    height: u32,    // rows that this launch makes
    channels: u32,
    radius: u32,
    strip: u32,     // pixels of a row that a workgroup makes
    strips: u32,    // that cover a row
    tiles: u32,     // workgroups with something to do
    first: u32,     // values of `result` before the first that this launch makes
    outside: f32,   // the value of the constant border
    turns: u32,     // in which the taps come
    step: u32,      // taps of a turn
}

const OUTSIDE = 0xffffffffu;

// Fours of taps whose products are summed before they join the total, on which a long kernel's
// many rounding errors would add up.
const PART = 8u;

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
// Of a dense sum, those of a column after those of another; of the transforms, see fft.wgsl.
@group(0) @binding(3) var<storage, read> taps: array<vec4<f32>>;

// A grid of two dimensions, for one ends at 65535.
fn tile_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.y * groups.x + group.x;
}

fn pixels_across() -> u32 {
    return shape.row / shape.channels;
}

// What four neighbouring values give to four neighbouring sums: value i meets tap i - j in sum j.
// `now` are the taps of the values, `before` the four before these.
fn meet(values: vec4<f32>, now: vec4<f32>, before: vec4<f32>) -> vec4<f32> {
    return values.x * vec4<f32>(now.x, before.wzy)
        + values.y * vec4<f32>(now.yx, before.wz)
        + values.z * vec4<f32>(now.zyx, before.w)
        + values.w * now.wzyx;
}
