// Lines across the image: those of a channel in two neighbouring rows.

fn lines_of(number: u32) -> vec2<u32> {
    return vec2<u32>(number / shape.strips * 2u, number % shape.channels);
}

fn block_of(number: u32) -> u32 {
    return number % shape.strips / shape.channels;
}

fn fetch(lines: vec2<u32>, position: u32) -> vec2<f32> {
    if position >= pixels_across() + 2u * shape.radius {
        return vec2<f32>();
    }
    let column = columns[position];
    if column == OUTSIDE {
        return vec2<f32>(shape.outside);
    }
    let at = lines.x * shape.row + column + lines.y;
    return vec2<f32>(load(at), load(at + select(0u, shape.row, lines.x + 1u < shape.height)));
}

fn keep(lines: vec2<u32>, position: u32, values: vec2<f32>) {
    if position < pixels_across() {
        let at = shape.first + lines.x * shape.row + position * shape.channels + lines.y;
        store(at, values.x);
        if lines.x + 1u < shape.height {
            store(at + shape.row, values.y);
        }
    }
}
