// What a strip is made of in one launch: sums down the columns.
fn column_of_eight(column: u32, top: u32) -> Eight {
    return sum_down(column, top);
}
