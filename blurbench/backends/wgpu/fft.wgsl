// Overlap-save: a workgroup takes POINTS samples of two lines of the image, as the real and the
// imaginary part of one complex line, through workgroup memory to their spectrum and back. The taps
// are real, so the two lines never mix. More taps than half of POINTS come in turns, each with its
// own samples and its own spectrum; what they make is added up before the one way back.
//
// The way there leaves the spectrum in the order of reversed digits, and the way back takes it so.

const POINTS = 4u * THREADS;
var<workgroup> line: array<vec2<f32>, POINTS>;

fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// exp(-2 pi i k / POINTS)
fn root(k: u32) -> vec2<f32> {
    return taps[k].zw;
}

// What the taps of a turn do to the spectrum, by its place, divided by POINTS.
fn response(turn: u32, at: u32) -> vec2<f32> {
    return taps[turn * POINTS + at].xy;
}

fn transform(thread: u32) {
    for (var span = THREADS; span > 0u; span /= 4u) {
        workgroupBarrier();
        let j = thread % span;
        let at = thread / span * 4u * span + j;
        let a = line[at];
        let b = line[at + span];
        let c = line[at + 2u * span];
        let d = line[at + 3u * span];
        let turned = (b - d).yx * vec2<f32>(1.0, -1.0);  // times -i
        let k = j * (THREADS / span);
        line[at] = a + c + (b + d);
        line[at + span] = times(a - c + turned, root(k));
        line[at + 2u * span] = times(a + c - (b + d), root(2u * k));
        line[at + 3u * span] = times(a - c - turned, root(3u * k));
    }
}

fn transform_back(thread: u32) {
    let conjugate = vec2<f32>(1.0, -1.0);
    for (var span = 1u; span <= THREADS; span *= 4u) {
        let j = thread % span;
        let at = thread / span * 4u * span + j;
        let k = j * (THREADS / span);
        let a = line[at];
        let b = times(line[at + span], conjugate * root(k));
        let c = times(line[at + 2u * span], conjugate * root(2u * k));
        let d = times(line[at + 3u * span], conjugate * root(3u * k));
        let turned = (b - d).yx * vec2<f32>(-1.0, 1.0);  // times i
        line[at] = a + c + (b + d);
        line[at + span] = a - c + turned;
        line[at + 2u * span] = a + c - (b + d);
        line[at + 3u * span] = a - c - turned;
        workgroupBarrier();
    }
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
    let lines = lines_of(number);
    let begin = block_of(number) * shape.strip;
    var sums = array<vec2<f32>, 4>();
    for (var turn = 0u; turn < shape.turns; turn++) {
        for (var i = thread; i < POINTS; i += THREADS) {
            line[i] = fetch(lines, begin + turn * shape.step + i);
        }
        transform(thread);
        for (var i = 0u; i < 4u; i++) {  // a thread's own places in the last step
            let at = 4u * thread + i;
            sums[i] += times(line[at], response(turn, at));
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        line[4u * thread + i] = sums[i];
    }
    transform_back(thread);
    for (var i = thread; i < shape.strip; i += THREADS) {
        keep(lines, begin + i, line[i]);
    }
}
