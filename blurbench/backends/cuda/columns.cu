// One pass of the separable blur, of any radius, along the columns; the result is transposed, so
// that a second pass of the same kernel blurs the rows and turns the image upright again.
//
// A thread sums OUTPUTS neighbouring rows of one column in registers: every row that it reads
// adds to all of them, with the taps sliding by. Sums are kept in parts of PART rows, which keeps
// the rounding error of large kernels small. `channels` are interleaved.

constexpr int LANES = 32, WARPS = 4, OUTPUTS = 16, PART = 64;
constexpr int TILE = WARPS * OUTPUTS;  // rows of a block

// The column that a thread reads, and where its margins come from.
struct Column {
    const INPUT* top;  // row 0
    long long pitch;
    const int* row_source;  // of row y at y + radius; -1 where there is none
    int known;              // how many rows that tells of
    WORK outside;

    // Row y - radius + i; INSIDE the image, or wherever.
    template <bool INSIDE> __device__ inline WORK at(int y, int radius, int i) const {
        if (INSIDE) return static_cast<WORK>(top[(y - radius + i) * pitch]);
        const int row = y + i < known ? row_source[y + i] : -1;
        return row < 0 ? outside : static_cast<WORK>(top[row * pitch]);
    }
};

// Adds up OUTPUTS rows from y on. `span` rows are read: those beyond the kernel meet taps of 0.
template <bool INSIDE> __device__ inline void sum_rows(
    const Column& column, const WORK* __restrict__ taps, int y, int radius, int span,
    WORK (&sums)[OUTPUTS]) {
    WORK part[OUTPUTS] = {}, near[OUTPUTS];
    #pragma unroll
    for (int p = 0; p < OUTPUTS; p++) near[p] = taps[p];
    for (int i = 0; i < span; i += OUTPUTS) {
        #pragma unroll
        for (int k = 0; k < OUTPUTS; k++) {
            const WORK pixel = column.at<INSIDE>(y, radius, i + k);
            // near[(k + j) % OUTPUTS] is the j-th tap from that of the last sum on
            #pragma unroll
            for (int p = 0; p < OUTPUTS; p++) {
                part[p] += near[(k + OUTPUTS - 1 - p) % OUTPUTS] * pixel;
            }
            near[k] = taps[i + k + OUTPUTS];
        }
        if ((i + OUTPUTS) % PART != 0 && i + OUTPUTS < span) continue;
        #pragma unroll
        for (int p = 0; p < OUTPUTS; p++) {
            sums[p] += part[p];
            part[p] = 0;
        }
    }
}

extern "C" __global__ void __launch_bounds__(LANES * WARPS) columns(
    const INPUT* __restrict__ image, OUTPUT* __restrict__ result,
    const int* __restrict__ row_source,
    const WORK* __restrict__ taps,  // all, after OUTPUTS - 1 zeros and before more than as many
    int height, int width, int channels, int radius, WORK outside) {
    __shared__ WORK finished[LANES][TILE + 1];

    const long long pitch = static_cast<long long>(width) * channels;
    const long long left = static_cast<long long>(blockIdx.x) * LANES, value = left + threadIdx.x;
    const int y0 = blockIdx.y * TILE, y = y0 + threadIdx.y * OUTPUTS;
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
    for (int at = threadIdx.y * LANES + threadIdx.x; at < LANES * TILE; at += LANES * WARPS) {
        const long long from = left + at / TILE;
        const int row = y0 + at % TILE;
        if (from >= pitch || row >= height) continue;
        const long long pixel = from / channels, channel = from % channels;
        result[(pixel * height + row) * channels + channel] =
            Pixel<OUTPUT>::of(finished[at / TILE][at % TILE]);
    }
}
