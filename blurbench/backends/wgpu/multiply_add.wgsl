// Chains of multiply-adds that do not wait for one another: sixteen numbers a thread.

const TURNS = 512u;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = vec4<f32>(load(0u));
    let b = vec4<f32>(load(1u));
    var w = vec4<f32>(f32(id.x));
    var x = w + 1.0;
    var y = w + 2.0;
    var z = w + 3.0;
    for (var turn = 0u; turn < TURNS; turn++) {
        w = fma(w, a, b);
        x = fma(x, a, b);
        y = fma(y, a, b);
        z = fma(z, a, b);
    }
    // Practically never written; without it there would be nothing to compute.
    if dot(w + x + y + z, a) == -1.0 {
        store(0u, w.x);
    }
}
