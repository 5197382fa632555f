// One pass of the separable blur, of any radius, along the columns; the result is transposed, so
// that a second pass of the same kernel blurs the rows and turns the image upright again.
//
// A thread sums OUTPUTS neighbouring rows of one column in registers: every row that it reads
// adds to all of them, with the taps sliding by. Sums are kept in parts of PART rows, which keeps
// the rounding error of large kernels small. CHANNELS are interleaved; 0: as many as are given.

constexpr int LANES = 32, WARPS = 4, OUTPUTS = 16, PART = 64;
constexpr int TILE = WARPS * OUTPUTS;  // rows of a block
constexpr int FOLD = 32768;  // blocks below each other, then on along z: a grid has few along y

// The column that a thread reads, and where its margins come from.
struct Column {
    const INPUT* top;  // row 0
    long long pitch;
    const int* row_source;  // of row y at y + radius; -1 where there is none
    int known;              // how many rows that tells of
    WORK outside;
};

// Adds up OUTPUTS rows from y on. `span` rows are read: those beyond the kernel meet taps of 0.
template <bool INSIDE> __device__ inline void sum_rows(
    const Column& column, const WORK* __restrict__ taps, int y, int radius, int span,
    WORK (&sums)[OUTPUTS]) {
    WORK near[OUTPUTS];
    #pragma unroll
    for (int p = 0; p < OUTPUTS; p++) near[p] = taps[p];
    const INPUT* from = INSIDE ? column.top + (y - radius) * column.pitch : nullptr;
    for (int i = 0; i < span;) {
        WORK part[OUTPUTS] = {};
        for (const int end = min(i + PART, span); i < end; i += OUTPUTS) {
            #pragma unroll
            for (int k = 0; k < OUTPUTS; k++) {
                WORK pixel;
                if (INSIDE) {
                    pixel = static_cast<WORK>(*from);
                    from += column.pitch;
                } else {
                    const int at = y + i + k, row = at < column.known ? column.row_source[at] : -1;
                    pixel = row < 0 ? column.outside : static_cast<WORK>(column.top[row * column.pitch]);
                }
                // near[(k + j) % OUTPUTS] is the j-th tap from that of the last sum on
                #pragma unroll
                for (int p = 0; p < OUTPUTS; p++) {
                    part[p] += near[(k + OUTPUTS - 1 - p) % OUTPUTS] * pixel;
                }
                near[k] = taps[i + k + OUTPUTS];
            }
        }
        #pragma unroll
        for (int p = 0; p < OUTPUTS; p++) sums[p] += part[p];
    }
}

extern "C" __global__ void __launch_bounds__(LANES * WARPS) columns(
    const INPUT* __restrict__ image, OUTPUT* __restrict__ result,
    const int* __restrict__ row_source,
    const WORK* __restrict__ taps,  // all, after OUTPUTS - 1 zeros and before more than as many
    int height, int width, int of_pixel, int radius, WORK outside) {
    __shared__ WORK finished[LANES][TILE + 1];

    const int channels = CHANNELS > 0 ? CHANNELS : of_pixel;
    const long long pitch = static_cast<long long>(width) * channels;
    const long long left = static_cast<long long>(blockIdx.x) * LANES, value = left + threadIdx.x;
    const int y0 = (blockIdx.z * FOLD + blockIdx.y) * TILE, y = y0 + threadIdx.y * OUTPUTS;
    if (value < pitch && y < height) {
        const Column column = {image + value, pitch, row_source, height + 2 * radius, outside};
        const int span = (2 * OUTPUTS + 2 * radius - 1) / OUTPUTS * OUTPUTS;
        WORK sums[OUTPUTS] = {};
        if (y >= radius && y - radius + span <= height) {
            sum_rows<true>(column, taps, y, radius, span, sums);
        } else {
            sum_rows<false>(column, taps, y, radius, span, sums);
        }
        #pragma unroll
        for (int p = 0; p < OUTPUTS; p++) {
            finished[threadIdx.x][threadIdx.y * OUTPUTS + p] = sums[p];
        }
    }
    __syncthreads();

    // Neighbouring threads write neighbouring rows, which now lie side by side.
    const long long pixel = left / channels;
    const int channel = left % channels;
    for (int at = threadIdx.y * LANES + threadIdx.x; at < LANES * TILE; at += LANES * WARPS) {
        const int along = at / TILE, row = y0 + at % TILE, past = channel + along;
        if (left + along >= pitch || row >= height) continue;
        result[((pixel + past / channels) * height + row) * channels + past % channels] =
            Pixel<OUTPUT>::of(finished[along][at % TILE]);
    }
}
