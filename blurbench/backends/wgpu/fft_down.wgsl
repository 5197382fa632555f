// Lines down the image: those of two neighbouring values of a row.

fn lines_of(number: u32) -> u32 {
    return number % shape.strips * 2u;
}

fn block_of(number: u32) -> u32 {
    return number / shape.strips;
}

fn fetch(column: u32, position: u32) -> vec2<f32> {
    if position >= shape.height + 2u * shape.radius {
        return vec2<f32>();
    }
    let row = rows[position / 4u][position % 4u];
    if row == OUTSIDE {
        return vec2<f32>(shape.outside);
    }
    return vec2<f32>(load(row + column), load(row + min(column + 1u, shape.row - 1u)));
}

fn keep(column: u32, position: u32, values: vec2<f32>) {
    if position < shape.height {
        store(position * shape.row + column, values.x);
        if column + 1u < shape.row {
            store(position * shape.row + column + 1u, values.y);
        }
    }
}
