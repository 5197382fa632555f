// The vertical sums of eight rows at one column: each value that is loaded enters all of them.

struct Eight {
    upper: vec4<f32>,
    lower: vec4<f32>,
}

fn sum_down(column: u32, top: u32) -> Eight {
    var sums = Eight(vec4<f32>(), vec4<f32>());
    var before = vec4<f32>();
    var earlier = vec4<f32>();
    let fours = (2u * shape.radius + 11u) / 4u;
    for (var start = 0u; start < fours; start += PART) {
        var part = Eight(vec4<f32>(), vec4<f32>());
        for (var four = start; four < min(start + PART, fours); four++) {
            let now = taps[four];
            let values = load_rows(rows[top / 4u + four], column);
            part.upper += meet(values, now, before);
            part.lower += meet(values, before, earlier);
            earlier = before;
            before = now;
        }
        sums.upper += part.upper;
        sums.lower += part.lower;
    }
    return sums;
}
