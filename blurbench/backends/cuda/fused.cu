// The separable blur in one launch: the image is read once and written once.
//
// A block owns a strip of columns and marches along a tile of rows. Each thread carries the
// vertical sums of V neighbouring values in registers, as a filter in transposed form: a new row
// adds to all 2*RADIUS + 1 sums that it belongs to, and the oldest is complete. Complete rows go
// to shared memory, ROWS at a time, where the horizontal sums are taken, PIXELS a thread.
// Neighbouring tiles march towards and away from each other, so that rows which both need are in
// the cache when the second asks. Mirrored taps are not added up before they are multiplied: an
// addition and a fused multiply-add cost as much as two of the latter.
//
// RADIUS is the kernel's, or 1 where that is 0. CHANNELS are interleaved.

constexpr int PAD = (RADIUS + 3) / 4 * 4;  // columns beside the strip, such that packs stay whole
constexpr int FIRST = (2 * RADIUS + ROWS - 1) / ROWS;  // steps before the first sum is complete

// Of a row, PIXELS are an item, of LENGTH values. Shared memory serves 8 threads at a time: these
// take SIDE items of each of LINES rows, and rows lie PITCH apart, so that no two meet in a bank.
constexpr int LENGTH = PIXELS * CHANNELS;
constexpr int SIDE = LENGTH % 32 == 0 ? 1 : LENGTH % 16 == 0 ? 2 : LENGTH % 8 == 0 ? 4 : 8;
constexpr int LINES = 8 / SIDE;
constexpr int PITCH = THREADS * V + (LINES > 1 ? 4 : 0);
static_assert(ROWS % LINES == 0, "as many rows as 8 threads read at a time");

// A row of so many items, as the threads see it: the last SIDE are whole where LINES go together.
__device__ constexpr int span_of(int items) {
    return LINES == 1 ? items : (items + SIDE - 1) / SIDE * SIDE;
}
constexpr int SPAN = span_of((THREADS * V / CHANNELS - 2 * PAD) / PIXELS);  // at most
constexpr int TURNS = (SPAN * ROWS + THREADS - 1) / THREADS;  // of all threads, for ROWS rows

struct Taps { float at[RADIUS + 1]; };  // by distance from the centre

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) fused(
    const INPUT* __restrict__ image, OUTPUT* __restrict__ result,
    const int* __restrict__ row_source,     // of row y at y + RADIUS; -1 where there is none
    const int* __restrict__ column_source,  // of column x at x + PAD
    int height, int width, int strip, int tile, int aligned, int fills, float outside,
    const Taps taps) {
    __shared__ __align__(16) float complete[2][ROWS][PITCH];

    const int x0 = blockIdx.x * strip, columns = min(strip, width - x0);
    const int y0 = blockIdx.y * tile, rows = min(tile, height - y0);
    const int way = blockIdx.y % 2 == 0 ? 1 : -1, start = way > 0 ? y0 : y0 + rows - 1;
    const long long pitch = static_cast<long long>(width) * CHANNELS;
    const int ahead = way * width * CHANNELS;  // from a row to the next

    // The V values that this thread sums vertically; those beyond the strip are not used.
    int source[V];
    unsigned no_column = 0;  // a bit each
    bool together = aligned || V == 1;
    #pragma unroll
    for (int v = 0; v < V; v++) {
        const int value = threadIdx.x * V + v, pixel = value / CHANNELS;
        source[v] = aligned ? v : 0;
        if (pixel < columns + 2 * PAD) {
            int column = x0 + pixel - PAD;
            if (column < 0 || column >= width) column = column_source[column + PAD];
            if (column < 0) no_column |= 1u << v;
            source[v] = max(column, 0) * CHANNELS + value % CHANNELS;
        }
        together = together && source[v] == source[0] + v;
    }
    together = together && source[0] % V == 0;

    // The rows that come next: fetched AHEAD steps before their use.
    Pack<INPUT, V> fetched[AHEAD][ROWS];
    unsigned missing[AHEAD];  // a bit a row
    auto fetch = [&](int step, Pack<INPUT, V> (&next)[ROWS], unsigned& no_row) {
        const int y = start + way * ((step - FIRST) * ROWS + RADIUS), last = y + way * (ROWS - 1);
        no_row = 0;
        const bool inside = min(y, last) >= 0 && max(y, last) < height;
        const INPUT* from = image + y * pitch;
        if (inside && together) {
            #pragma unroll
            for (int g = 0; g < ROWS; g++) next[g] = load_pack<V>(from + (source[0] + g * ahead));
            return;
        }
        if (inside) {
            #pragma unroll
            for (int g = 0; g < ROWS; g++) {
                #pragma unroll
                for (int v = 0; v < V; v++) next[g].v[v] = from[source[v]];
                from += ahead;
            }
            return;
        }
        #pragma unroll
        for (int g = 0; g < ROWS; g++) {
            const int row = y + way * g;
            const bool known = row >= -RADIUS && row < height + RADIUS;
            const int there = known ? row_source[row + RADIUS] : -1;
            if (there < 0) no_row |= 1u << g;
            from = image + max(there, 0) * pitch;
            #pragma unroll
            for (int v = 0; v < V; v++) next[g].v[v] = from[source[v]];
        }
    };

    #pragma unroll
    for (int a = 0; a < AHEAD; a++) fetch(a, fetched[a], missing[a]);

    // The items whose horizontal sums this thread takes, the same ones at every step.
    const int items = (columns + PIXELS - 1) / PIXELS, span = span_of(items);
    const bool whole = aligned && columns % 4 == 0;
    const int values_of_row = columns * CHANNELS;
    int line[TURNS], offset[TURNS], from[TURNS], to[TURNS];
    #pragma unroll
    for (int turn = 0; turn < TURNS; turn++) {
        const int at = threadIdx.x + turn * THREADS;
        const int first = at / (LINES * span) * LINES, left = at % (LINES * span);
        const int row = first + left / SIDE % LINES, item = left / 8 * SIDE + left % SIDE;
        line[turn] = item < items ? row : ROWS;  // no row of a step
        offset[turn] = item * LENGTH;
        from[turn] = row * PITCH + offset[turn];
        to[turn] = row * ahead + offset[turn];
    }

    float sums[2 * RADIUS][V] = {};
    OUTPUT* written = result + start * pitch + static_cast<long long>(x0) * CHANNELS;
    const int steps = FIRST + (rows + ROWS - 1) / ROWS;
    for (int step = 0; step < steps; step++) {
        auto& row_sums = complete[step % 2];
        float values[ROWS][V];
        #pragma unroll
        for (int g = 0; g < ROWS; g++) {
            #pragma unroll
            for (int v = 0; v < V; v++) values[g][v] = fetched[0][g].v[v];
        }
        if (fills) {  // all at once: the other borders then pay for one question
            #pragma unroll
            for (int g = 0; g < ROWS; g++) {
                #pragma unroll
                for (int v = 0; v < V; v++) {
                    if ((missing[0] >> g | no_column >> v) & 1) values[g][v] = outside;
                }
            }
        }
        #pragma unroll
        for (int g = 0; g < ROWS; g++) {
            #pragma unroll
            for (int v = 0; v < V; v++) {
                const float value = values[g][v];
                row_sums[g][threadIdx.x * V + v] = sums[0][v] + taps.at[RADIUS] * value;
                #pragma unroll
                for (int m = 1; m < 2 * RADIUS; m++) {
                    sums[m - 1][v] = sums[m][v] + taps.at[magnitude(RADIUS - m)] * value;
                }
                sums[2 * RADIUS - 1][v] = taps.at[RADIUS] * value;
            }
        }
        #pragma unroll
        for (int a = 1; a < AHEAD; a++) {
            #pragma unroll
            for (int g = 0; g < ROWS; g++) fetched[a - 1][g] = fetched[a][g];
            missing[a - 1] = missing[a];
        }
        fetch(step + AHEAD, fetched[AHEAD - 1], missing[AHEAD - 1]);
        if (step < FIRST) continue;
        __syncthreads();  // two buffers: the next step writes to the other one

        const int left = min(ROWS, rows - (step - FIRST) * ROWS);
        #pragma unroll
        for (int turn = 0; turn < TURNS; turn++) {
            if (line[turn] >= left) continue;
            float total[LENGTH] = {};
            #pragma unroll
            for (int chunk = 0; chunk < (PIXELS + 2 * PAD) / 4 * CHANNELS; chunk++) {
                if (chunk * 4 + 3 < (PAD - RADIUS) * CHANNELS) continue;
                if (chunk * 4 >= (PAD + RADIUS + PIXELS) * CHANNELS) continue;
                const auto four = load_pack<4>(row_sums[0] + from[turn] + chunk * 4);
                #pragma unroll
                for (int e = 0; e < 4; e++) {
                    const int column = (chunk * 4 + e) / CHANNELS - PAD;
                    const int channel = (chunk * 4 + e) % CHANNELS;
                    #pragma unroll
                    for (int p = 0; p < PIXELS; p++) {
                        if (magnitude(column - p) > RADIUS) continue;
                        total[p * CHANNELS + channel] += taps.at[magnitude(column - p)] * four.v[e];
                    }
                }
            }
            OUTPUT* here = written + to[turn];
            #pragma unroll
            for (int c = 0; c < LENGTH / 4; c++) {
                Pack<OUTPUT, 4> four;
                #pragma unroll
                for (int e = 0; e < 4; e++) four.v[e] = Pixel<OUTPUT>::of(total[c * 4 + e]);
                if (whole) {  // then an item has 4 pixels at least
                    if (c < CHANNELS || offset[turn] + c * 4 < values_of_row) {
                        store_pack<4>(here + c * 4, four);
                    }
                } else {
                    #pragma unroll
                    for (int e = 0; e < 4; e++) {
                        const bool kept = offset[turn] + c * 4 + e < values_of_row;
                        if (kept) here[c * 4 + e] = four.v[e];
                    }
                }
            }
        }
        written += ROWS * ahead;
    }
}
