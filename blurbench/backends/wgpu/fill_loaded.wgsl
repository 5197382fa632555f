// What a strip is made of in the second of two launches: rows as they are.

struct Eight {
    upper: vec4<f32>,
    lower: vec4<f32>,
}

fn column_of_eight(column: u32, top: u32) -> Eight {
    let at = top * shape.row + column;
    return Eight(
        vec4<f32>(load(at), load(at + shape.row), load(at + 2u * shape.row), load(at + 3u * shape.row)),
        vec4<f32>(
            load(at + 4u * shape.row),
            load(at + 5u * shape.row),
            load(at + 6u * shape.row),
            load(at + 7u * shape.row),
        ),
    );
}
