// Sums along eight rows at a time. A workgroup makes a strip of pixels of these rows. The columns
// under its taps come into workgroup memory, in turns where they are too many; then a thread takes
// four rows of four pixels of one channel, so that each column it reads enters sixteen sums.

const SPAN = 2u * THREADS;  // columns that workgroup memory holds
var<workgroup> tile: array<vec4<f32>, 4u * THREADS>;  // the upper rows of each column, the lower

// Threads read columns four apart, which lie in few banks; so neighbouring fours change places.
fn slot(column: u32) -> u32 {
    return column ^ (column / 8u % 4u);
}

fn tile_value(column: u32, row: u32) -> f32 {
    return tile[row / 4u * SPAN + slot(column)][row % 4u];
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let number = tile_number(group, groups);
    if number >= shape.tiles {
        return;
    }
    let left = number % shape.strips * shape.strip;
    let top = number / shape.strips * 8u;
    let channels = shape.channels;

    let each = shape.strip / 4u * channels;  // threads for four rows of the strip
    let works = thread < 2u * each;
    let half = thread / each * SPAN;
    let pixel = thread % each / channels * 4u;
    let channel = thread % channels;
    let fours = (2u * shape.radius + 7u) / 4u;
    var a = vec4<f32>();
    var b = vec4<f32>();
    var c = vec4<f32>();
    var d = vec4<f32>();
    var before = vec4<f32>();

    let most = SPAN / channels / 4u * 4u;  // pixels of a turn
    let all = shape.strip + 4u * fours - 4u;
    for (var turn = 0u; turn < all; turn += most) {
        let stop = min(turn + most, all);
        workgroupBarrier();
        for (var i = thread; i < (stop - turn) * channels; i += THREADS) {
            let column = columns[left + turn + i / channels];
            var eight = Eight(vec4<f32>(shape.outside), vec4<f32>(shape.outside));
            if column != OUTSIDE {
                eight = column_of_eight(column + i % channels, top);
            }
            tile[slot(i)] = eight.upper;
            tile[SPAN + slot(i)] = eight.lower;
        }
        workgroupBarrier();
        if works && stop > pixel {
            let begin = (max(turn, pixel) - pixel) / 4u;
            let end = min((stop - pixel) / 4u, fours);
            var at = (pixel + 4u * begin - turn) * channels + channel;
            for (var start = begin; start < end; start += PART) {
                var part = array<vec4<f32>, 4>();
                for (var four = start; four < min(start + PART, end); four++) {
                    let now = taps[four];
                    let w = tile[half + slot(at)];
                    let x = tile[half + slot(at + channels)];
                    let y = tile[half + slot(at + 2u * channels)];
                    let z = tile[half + slot(at + 3u * channels)];
                    part[0] += w * now.x + x * now.y + y * now.z + z * now.w;
                    part[1] += w * before.w + x * now.x + y * now.y + z * now.z;
                    part[2] += w * before.z + x * before.w + y * now.x + z * now.y;
                    part[3] += w * before.y + x * before.z + y * before.w + z * now.x;
                    before = now;
                    at += 4u * channels;
                }
                a += part[0];
                b += part[1];
                c += part[2];
                d += part[3];
            }
        }
    }

    workgroupBarrier();
    if works {
        let at = pixel * channels + channel;
        tile[half + slot(at)] = a;
        tile[half + slot(at + channels)] = b;
        tile[half + slot(at + 2u * channels)] = c;
        tile[half + slot(at + 3u * channels)] = d;
    }
    workgroupBarrier();
    let start = shape.first + top * shape.row + left * channels;
    let values = min(shape.strip, pixels_across() - left) * channels;
    store_tile(start, values, min(8u, shape.height - top), thread);
}
