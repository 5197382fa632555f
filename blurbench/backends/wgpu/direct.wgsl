// The dense sum. A thread makes four rows of one column; a workgroup THREADS columns.

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let number = tile_number(group, groups);
    let column = number % shape.strips * THREADS + thread;
    let top = number / shape.strips * 4u;
    if number >= shape.tiles || column >= shape.row {
        return;
    }
    let pixel = column / shape.channels;
    let channel = column % shape.channels;
    let size = 2u * shape.radius + 1u;
    let fours = (size + 6u) / 4u;
    var sums = vec4<f32>();
    for (var first = 0u; first < size; first += PART) {
        var some = vec4<f32>();
        for (var across = first; across < min(first + PART, size); across++) {
            let source = columns[pixel + across];
            let at = select(source + channel, OUTSIDE, source == OUTSIDE);
            var before = vec4<f32>();
            for (var start = 0u; start < fours; start += PART) {
                var part = vec4<f32>();
                for (var four = start; four < min(start + PART, fours); four++) {
                    let now = taps[across * fours + four];
                    part += meet(load_rows(rows[top / 4u + four], at), now, before);
                    before = now;
                }
                some += part;
            }
        }
        sums += some;
    }
    for (var row = 0u; row < min(4u, shape.height - top); row++) {
        store(shape.first + (top + row) * shape.row + column, sums[row]);
    }
}
