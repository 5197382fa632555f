// The dense 2-D sum: every one of the size x size taps multiplies, and nothing is factored.
//
// A block makes a tile of pixels, 4 neighbours a thread. It goes through the kernel in parts of
// at most DOWN x ALONG taps, for which the pixels and the taps lie in shared memory, so any
// kernel fits. So many parts are summed by themselves that there are about as many sums as terms
// in each, which keeps the rounding error small: it grows with either.
// A block takes CHANNELS of the `channels` interleaved ones. A launch makes a part of the tiles: from
// `row_tile` down, from `column_tile` across, and from `group` of channels on.

constexpr int LANES = 32, TILE = 8, DOWN = 8, ALONG = 16;
constexpr int COLUMNS = LANES * 4 + ALONG, ROWS = TILE + DOWN - 1;  // of pixels in shared memory

// Where a value of a row lies in shared memory. With 4 channels a gap keeps neighbours apart.
__device__ constexpr int slot(int value) {
    return CHANNELS == 4 ? value + value / 16 * 4 : value;
}

extern "C" __global__ void __launch_bounds__(LANES * TILE, 3) direct(
    const INPUT* __restrict__ image, OUTPUT* __restrict__ result,
    const int* __restrict__ row_source,     // of row y at y + radius; -1 where there is none
    const int* __restrict__ column_source,  // of column x at x + radius
    const WORK* __restrict__ taps,          // size x size
    int height, int width, int channels, int radius, int aligned, WORK outside,
    int row_tile, int column_tile, int group) {
    __shared__ __align__(16) WORK pixels[ROWS][slot(COLUMNS * CHANNELS)];
    __shared__ __align__(16) WORK weights[DOWN][ALONG];

    const int x0 = (column_tile + blockIdx.y) * LANES * 4, y0 = (row_tile + blockIdx.x) * TILE;
    const int first = (group + blockIdx.z) * CHANNELS;
    const int thread = threadIdx.y * LANES + threadIdx.x, size = 2 * radius + 1;
    const long long pitch = static_cast<long long>(width) * channels;

    const int most = max(1, size / (DOWN * ALONG));  // parts in a sum
    int parts = 0;
    WORK total[4 * CHANNELS] = {}, sum[4 * CHANNELS] = {};
    for (int top = 0; top < size; top += DOWN) {
        for (int left = 0; left < size; left += ALONG) {
            const int down = min(DOWN, size - top), along = min(ALONG, size - left);
            __syncthreads();  // the part before is done with
            for (int at = thread; at < DOWN * ALONG; at += LANES * TILE) {
                const int i = at / ALONG, j = at % ALONG;
                weights[i][j] =
                    i < down && j < along ? taps[static_cast<long long>(top + i) * size + left + j] : 0;
            }
            const int y = y0 + top - radius, x = x0 + left - radius;  // of the part's first pixel
            const bool inside =
                y >= 0 && y + TILE + down - 1 <= height && x >= 0 && x + COLUMNS <= width;
            for (int i = threadIdx.y; i < TILE + down - 1; i += TILE) {
                // No further than the tables know; what lies beyond is multiplied by 0 or not kept.
                int row = y + i;
                if (!inside) row = row < height + radius ? row_source[row + radius] : -1;
                const INPUT* from = image + max(row, 0) * pitch + first;
                for (int at = threadIdx.x; at < COLUMNS * CHANNELS; at += LANES) {
                    int column = x + at / CHANNELS;
                    if (!inside) {
                        column = column < width + radius ? column_source[column + radius] : -1;
                    }
                    const long long value =
                        static_cast<long long>(max(column, 0)) * channels + at % CHANNELS;
                    pixels[i][slot(at)] =
                        row < 0 || column < 0 ? outside : static_cast<WORK>(from[value]);
                }
            }
            __syncthreads();
            for (int i = 0; i < down; i++) {
                const WORK* line = pixels[threadIdx.y + i];
                WORK seen[8 * CHANNELS];
                auto see = [&](int pixel, int to) {  // 4 pixels of this thread's, from `pixel` on
                    #pragma unroll
                    for (int c = 0; c < CHANNELS; c++) {
                        const auto four = load_pack<4>(
                            line + slot((threadIdx.x * 4 + pixel) * CHANNELS + c * 4));
                        #pragma unroll
                        for (int e = 0; e < 4; e++) seen[to + c * 4 + e] = four.v[e];
                    }
                };
                see(0, 0);
                for (int j = 0; j < along; j += 4) {
                    see(j + 4, 4 * CHANNELS);
                    const auto weight = load_pack<4>(weights[i] + j);
                    #pragma unroll
                    for (int e = 0; e < 4; e++) {
                        #pragma unroll
                        for (int at = 0; at < 4 * CHANNELS; at++) {
                            sum[at] += weight.v[e] * seen[at + e * CHANNELS];
                        }
                    }
                    #pragma unroll
                    for (int at = 0; at < 4 * CHANNELS; at++) seen[at] = seen[at + 4 * CHANNELS];
                }
            }
            if (++parts == most) {
                #pragma unroll
                for (int at = 0; at < 4 * CHANNELS; at++) {
                    total[at] += sum[at];
                    sum[at] = 0;
                }
                parts = 0;
            }
        }
    }

    const int x = x0 + threadIdx.x * 4, y = y0 + threadIdx.y;
    if (y >= height) return;
    OUTPUT* to = result + y * pitch + static_cast<long long>(x) * channels + first;
    #pragma unroll
    for (int c = 0; c < CHANNELS; c++) {
        Pack<OUTPUT, 4> four;
        #pragma unroll
        for (int e = 0; e < 4; e++) four.v[e] = Pixel<OUTPUT>::of(total[c * 4 + e] + sum[c * 4 + e]);
        if (aligned && x + 4 <= width) {
            store_pack<4>(to + c * 4, four);
        } else {
            #pragma unroll
            for (int e = 0; e < 4; e++) {
                const int pixel = (c * 4 + e) / CHANNELS, channel = (c * 4 + e) % CHANNELS;
                if (x + pixel < width) to[static_cast<long long>(pixel) * channels + channel] = four.v[e];
            }
        }
    }
}
