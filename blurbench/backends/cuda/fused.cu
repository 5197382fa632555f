// The separable blur in one launch: the image is read once and written once.
//
// A block owns a strip of columns and marches along a tile of rows. Each thread carries the
// vertical sums of V neighbouring values in registers, as a filter in transposed form: a new row
// adds to all 2*RADIUS + 1 sums that it belongs to, and the oldest is complete. Complete rows go
// to shared memory, ROWS at a time, where the horizontal sums are taken, 4 pixels a thread.
// Neighbouring tiles march towards and away from each other, so that rows which both need are in
// the cache when the second asks. Mirrored taps are not added up before they are multiplied: an
// addition and a fused multiply-add cost as much as two of the latter.
//
// RADIUS may exceed the kernel's: the taps beyond are 0. CHANNELS are interleaved.

constexpr int PAD = (RADIUS + 3) / 4 * 4;  // columns beside the strip, such that packs stay whole
constexpr int FIRST = (2 * RADIUS + ROWS - 1) / ROWS;  // steps before the first sum is complete

struct Taps { float at[RADIUS + 1]; };  // by distance from the centre

// Where a value of a row lies in shared memory. With 4 channels a gap keeps neighbours apart.
__device__ constexpr int slot(int value) {
    return CHANNELS == 4 ? value + value / 16 * 4 : value;
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) fused(
    const INPUT* __restrict__ image, OUTPUT* __restrict__ result,
    const int* __restrict__ row_source,     // of row y at y + RADIUS; -1 where there is none
    const int* __restrict__ column_source,  // of column x at x + PAD
    int height, int width, int strip, int tile, int aligned, float outside, const Taps taps) {
    __shared__ __align__(16) float complete[2][ROWS][slot(THREADS * V)];

    const int x0 = blockIdx.x * strip, columns = min(strip, width - x0);
    const int y0 = blockIdx.y * tile, rows = min(tile, height - y0);
    const bool down = blockIdx.y % 2 == 0;
    const long long pitch = static_cast<long long>(width) * CHANNELS;

    // The V values that this thread sums vertically.
    int source[V];
    bool together = aligned;
    #pragma unroll
    for (int v = 0; v < V; v++) {
        const int value = threadIdx.x * V + v, pixel = value / CHANNELS;
        const int column = pixel < columns + 2 * PAD ? column_source[x0 + pixel] : -1;
        source[v] = column < 0 ? -1 : column * CHANNELS + value % CHANNELS;
        together = together && source[v] >= 0 && source[v] == source[0] + v;
    }
    together = together && source[0] % V == 0;

    // The rows that come next: fetched a step ahead of their use.
    Pack<INPUT, V> next[ROWS];
    int row[ROWS];
    auto fetch = [&](int step) {
        #pragma unroll
        for (int g = 0; g < ROWS; g++) {
            const int i = (step - FIRST) * ROWS + g;  // completes row i of the march
            const int y = down ? y0 + i + RADIUS : y0 + rows - 1 - i - RADIUS;
            row[g] = y < -RADIUS || y >= height + RADIUS ? -1 : row_source[y + RADIUS];
        }
        #pragma unroll
        for (int g = 0; g < ROWS; g++) {
            if (row[g] < 0) continue;
            const INPUT* from = image + row[g] * pitch;
            if (together) {
                next[g] = load_pack<V>(from + source[0]);
            } else {
                #pragma unroll
                for (int v = 0; v < V; v++) if (source[v] >= 0) next[g].v[v] = from[source[v]];
            }
        }
    };

    float sums[2 * RADIUS][V] = {};
    const int steps = FIRST + (rows + ROWS - 1) / ROWS;
    const int items = (columns + 3) / 4;  // of 4 pixels, a row
    fetch(0);
    for (int step = 0; step < steps; step++) {
        auto& row_sums = complete[step % 2];
        #pragma unroll
        for (int g = 0; g < ROWS; g++) {
            #pragma unroll
            for (int v = 0; v < V; v++) {
                const float value = row[g] >= 0 && source[v] >= 0 ? next[g].v[v] : outside;
                const float sum = sums[0][v] + taps.at[RADIUS] * value;
                #pragma unroll
                for (int m = 1; m < 2 * RADIUS; m++) {
                    sums[m - 1][v] = sums[m][v] + taps.at[magnitude(RADIUS - m)] * value;
                }
                sums[2 * RADIUS - 1][v] = taps.at[RADIUS] * value;
                row_sums[g][slot(threadIdx.x * V + v)] = sum;
            }
        }
        fetch(step + 1);
        if (step < FIRST) continue;
        __syncthreads();  // two buffers: the next step writes to the other one

        int g = 0, item = threadIdx.x;
        for (; item >= items && g < ROWS; g++) item -= items;
        const int first = (step - FIRST) * ROWS;
        while (g < ROWS && first + g < rows) {
            float total[4 * CHANNELS] = {};
            #pragma unroll
            for (int chunk = 0; chunk < (1 + PAD / 2) * CHANNELS; chunk++) {
                if (chunk * 4 + 3 < (PAD - RADIUS) * CHANNELS) continue;
                if (chunk * 4 >= (PAD + RADIUS + 4) * CHANNELS) continue;
                const auto four = load_pack<4>(
                    row_sums[g] + slot(item * 4 * CHANNELS) + slot(chunk * 4));
                #pragma unroll
                for (int e = 0; e < 4; e++) {
                    const int column = (chunk * 4 + e) / CHANNELS - PAD;
                    const int channel = (chunk * 4 + e) % CHANNELS;
                    #pragma unroll
                    for (int p = 0; p < 4; p++) {
                        if (magnitude(column - p) > RADIUS) continue;
                        total[p * CHANNELS + channel] += taps.at[magnitude(column - p)] * four.v[e];
                    }
                }
            }
            const int y = down ? y0 + first + g : y0 + rows - 1 - first - g;
            OUTPUT* to = result + y * pitch + (x0 + item * 4) * CHANNELS;
            const int values = min(4, columns - item * 4) * CHANNELS;
            #pragma unroll
            for (int c = 0; c < CHANNELS; c++) {
                Pack<OUTPUT, 4> four;
                #pragma unroll
                for (int e = 0; e < 4; e++) four.v[e] = Pixel<OUTPUT>::of(total[c * 4 + e]);
                if (aligned && values == 4 * CHANNELS) {
                    store_pack<4>(to + c * 4, four);
                } else {
                    #pragma unroll
                    for (int e = 0; e < 4; e++) if (c * 4 + e < values) to[c * 4 + e] = four.v[e];
                }
            }
            item += THREADS;
            for (; item >= items && g < ROWS; g++) item -= items;
        }
    }
}
