// The first of two launches: sums down the columns. A workgroup makes eight rows of THREADS values.

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let number = tile_number(group, groups);
    let column = number % shape.strips * THREADS + thread;
    let top = number / shape.strips * 8u;
    if number >= shape.tiles || column >= shape.row {
        return;
    }
    let sums = sum_down(column, top);
    for (var row = 0u; row < 4u; row++) {
        store((top + row) * shape.row + column, sums.upper[row]);
        store((top + 4u + row) * shape.row + column, sums.lower[row]);
    }
}
