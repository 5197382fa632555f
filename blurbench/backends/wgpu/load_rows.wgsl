fn load_row(row: u32, column: u32) -> f32 {
    if row == OUTSIDE || column == OUTSIDE {
        return shape.outside;
    }
    return load(row + column);
}

// Four rows at a column.
fn load_rows(four: vec4<u32>, column: u32) -> vec4<f32> {
    return vec4<f32>(
        load_row(four.x, column),
        load_row(four.y, column),
        load_row(four.z, column),
        load_row(four.w, column),
    );
}
