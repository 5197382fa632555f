// One pass of the blur, along rows or columns, in the frequency domain, by overlap and save.
//
// A block cuts a stretch of LENGTH samples out of each of 2*LINES lines. Two real lines make one
// complex line: the taps are real, so they come back as its real and its imaginary part. The
// transform leaves its frequencies in whatever order suits it, for the spectrum of the taps comes
// in that order; and the way back is the way there with every step transposed, the two parts
// exchanged before and after. So every step reads shared memory where this thread wrote to it
// last, or after a barrier.
//
// LENGTH = 16 * 16 * LAST; a thread holds 16 samples. SIDE_BY_SIDE: neighbouring lines are
// neighbours in memory. EVEN: the spectrum of the taps is complex.

constexpr int HELD = 16;                  // samples of a thread
constexpr int THREADS = LENGTH / HELD;    // of a line
constexpr int LAST = LENGTH / 256;        // the factor that the third step takes
constexpr int BLOCK = LINES * THREADS;
constexpr int BLOCKS = EVEN ? 1 : 2;      // of a multiprocessor, without spilling registers
// A gap after every 16 samples, and one between lines side by side, keep threads off the same bank.
constexpr int GAPPED = LENGTH / 16 * 17;
constexpr int LINE = GAPPED + (SIDE_BY_SIDE ? 16 / LINES : 0);

struct alignas(8) Complex { float re, im; };

__device__ inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
__device__ inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
__device__ inline Complex operator*(Complex a, Complex b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
__device__ inline Complex operator*(Complex a, float b) { return {a.re * b, a.im * b}; }
__device__ inline Complex turned(Complex a) { return {a.im, -a.re}; }  // times -i
__device__ inline Complex exchanged(Complex a) { return {a.im, a.re}; }

#if EVEN
using Factor = Complex;
#else
using Factor = float;
#endif

// Transforms in place, of samples that lie STEP apart.
template <int STEP> __device__ inline void transform_4(Complex* z) {
    const Complex even = z[0] + z[2 * STEP], beside = z[0] - z[2 * STEP];
    const Complex odd = z[STEP] + z[3 * STEP], across = turned(z[STEP] - z[3 * STEP]);
    z[0] = even + odd, z[STEP] = beside + across;
    z[2 * STEP] = even - odd, z[3 * STEP] = beside - across;
}

__device__ inline void transform_2(Complex* z) {
    const Complex sum = z[0] + z[1];
    z[1] = z[0] - z[1], z[0] = sum;
}

__device__ inline Complex eighth(Complex a) {  // times exp(-2*pi*i/8)
    constexpr float ROOT = 0.70710678118654752f;
    return Complex{a.re + a.im, a.im - a.re} * ROOT;
}

__device__ inline void transform_8(Complex* z) {
    transform_4<2>(z);
    transform_4<2>(z + 1);
    const Complex even[4] = {z[0], z[2], z[4], z[6]};
    const Complex odd[4] = {z[1], eighth(z[3]), turned(z[5]), turned(eighth(z[7]))};
    #pragma unroll
    for (int k = 0; k < 4; k++) z[k] = even[k] + odd[k], z[k + 4] = even[k] - odd[k];
}

__device__ inline void transform_16(Complex* z) {
    constexpr float COS = 0.92387953251128676f, SIN = 0.38268343236508977f;  // of pi/8
    #pragma unroll
    for (int k = 0; k < 4; k++) transform_4<4>(z + k);
    // z[4*f + k] is frequency f of every fourth sample, from the k-th on: times exp(-2*pi*i*f*k/16)
    z[5] = z[5] * Complex{COS, -SIN};
    z[6] = eighth(z[6]);
    z[7] = z[7] * Complex{SIN, -COS};
    z[9] = eighth(z[9]);
    z[10] = turned(z[10]);
    z[11] = turned(eighth(z[11]));
    z[13] = z[13] * Complex{SIN, -COS};
    z[14] = turned(eighth(z[14]));
    z[15] = z[15] * Complex{-COS, SIN};
    #pragma unroll
    for (int f = 0; f < 4; f++) transform_4<1>(z + 4 * f);
    // now z[4*f + g] is frequency f + 4*g
    #pragma unroll
    for (int f = 0; f < 4; f++) {
        #pragma unroll
        for (int g = f + 1; g < 4; g++) {
            const Complex kept = z[4 * f + g];
            z[4 * f + g] = z[4 * g + f], z[4 * g + f] = kept;
        }
    }
}

// The third step: as many transforms of LAST samples as a thread holds.
__device__ inline void transform_last(Complex* z) {
    #pragma unroll
    for (int k = 0; k < HELD; k += LAST) {
        if constexpr (LAST == 2) transform_2(z + k);
        if constexpr (LAST == 4) transform_4<1>(z + k);
        if constexpr (LAST == 8) transform_8(z + k);
        if constexpr (LAST == 16) transform_16(z + k);
    }
}

// Multiplies by what lies in a table of COUNT a row, one row for each sample held.
template <int COUNT> __device__ inline void twiddle(
    Complex (&z)[HELD], const Complex* factors, int column) {
    #pragma unroll
    for (int q = 1; q < HELD; q++) z[q] = z[q] * factors[q * COUNT + column];
}

// Where in shared memory a thread has its samples in one of the three steps.
template <int STEP> struct Places {
    Complex* first;
    __device__ inline void put(const Complex (&z)[HELD]) const {
        #pragma unroll
        for (int k = 0; k < HELD; k++) first[k * STEP + k * STEP / 16] = z[k];
    }
    __device__ inline void get(Complex (&z)[HELD]) const {
        #pragma unroll
        for (int k = 0; k < HELD; k++) z[k] = first[k * STEP + k * STEP / 16];
    }
};

// The pair of lines that a thread works on. WHOLE: there are two, and where they lie side by side,
// one instruction moves both.
struct Pair {
    long long start;   // of the first, from the image's first value
    long long apart;   // the second's start from it
    long long stride;  // from sample to sample
    bool both;         // an odd number of lines leaves one alone

    template <bool WHOLE> __device__ inline Complex load(const INPUT* from) const {
        if (COLUMNS && WHOLE) {
            const Pack<INPUT, 2> two = load_pack<2>(from);
            return {static_cast<float>(two.v[0]), static_cast<float>(two.v[1])};
        }
        const float first = static_cast<float>(*from);
        return {first, WHOLE || both ? static_cast<float>(from[apart]) : 0.0f};
    }
    template <bool WHOLE> __device__ inline void store(OUTPUT* to, Complex pixels) const {
        const OUTPUT first = Pixel<OUTPUT>::of(pixels.re), second = Pixel<OUTPUT>::of(pixels.im);
        if (COLUMNS && WHOLE) {
            store_pack(to, Pack<OUTPUT, 2>{{first, second}});
        } else {
            *to = first;
            if (WHOLE || both) to[apart] = second;
        }
    }
};

extern "C" __global__ void __launch_bounds__(BLOCK, BLOCKS) fft(
    const INPUT* __restrict__ image, OUTPUT* __restrict__ result,
    const int* __restrict__ source,         // of sample x at x + radius; -1 where there is none
    const Complex* turns,                   // of the first step, and then of the second; not
                                            // restricted: to be read again, not kept in registers
    const Factor* __restrict__ spectrum,    // of the taps, over LENGTH; 4 in turn for each thread
    int extent, int radius,                 // of a line, of the taps
    int groups,                             // of 2*LINES lines
    int lines,                              // how many there are
    int together,                           // 1, or the channels that lie between two samples
    long long pitch,                        // from row to row
    int aligned, float outside) {
    __shared__ Complex shared[LINES * LINE];

    const int thread = threadIdx.x;
    const int line = SIDE_BY_SIDE ? thread % LINES : thread / THREADS;
    const int t = SIDE_BY_SIDE ? thread / LINES : thread % THREADS;
    const int number = static_cast<int>(blockIdx.x % groups) * LINES + line;
    const int valid = LENGTH - 2 * radius, begin = static_cast<int>(blockIdx.x / groups) * valid;

    // Lines are numbered by pairs: of columns, or of rows, channel by channel.
    const int row = 2 * (number / together), column = COLUMNS ? 2 * number : number % together;
    const bool any = (COLUMNS ? column : row) < lines;
    const bool both = (COLUMNS ? column : row) + 1 < lines;
    const Pair pair = COLUMNS
        ? Pair{column, 1, pitch, both}
        : Pair{row * pitch + column, pitch, SIDE_BY_SIDE ? together : 1, both};
    const bool whole = COLUMNS ? aligned && both : both;
    const long long first = begin - radius + t, step = THREADS * pair.stride;

    // Transforms of a large level would lose digits of what varies.
    Complex z[HELD] = {}, level = {};
    if (any) level = pair.load<false>(image + pair.start + begin * pair.stride);
    if (whole && begin >= radius && begin - radius + LENGTH <= extent) {
        const INPUT* const from = image + pair.start + first * pair.stride;
        #pragma unroll
        for (int k = 0; k < HELD; k++) z[k] = pair.load<true>(from + k * step) - level;
    } else if (any) {
        #pragma unroll
        for (int k = 0; k < HELD; k++) {
            const int at = begin + t + k * THREADS;  // in the table
            if (at >= extent + 2 * radius) continue;  // no result needs it
            const int from = source[at];
            z[k] = Complex{outside, outside} - level;
            if (from >= 0) z[k] = pair.load<false>(image + pair.start + from * pair.stride) - level;
        }
    }

    constexpr int SECOND = THREADS / 16;  // threads that share a part of the second step
    Complex* const mine = shared + line * LINE;
    const int part = t / SECOND, within = t % SECOND;
    const Places<THREADS> wide = {mine + t + t / 16};
    const Places<SECOND> narrow = {mine + part * (THREADS + THREADS / 16) + within};
    const Places<1> close = {mine + t * 17};
    const Complex* const later = turns + LENGTH;

    transform_16(z);
    twiddle<THREADS>(z, turns, t);
    wide.put(z);
    __syncthreads();
    narrow.get(z);
    transform_16(z);
    if (LAST > 1) {
        twiddle<SECOND>(z, later, within);
        narrow.put(z);
        __syncthreads();
        close.get(z);
        transform_last(z);
    }

    #pragma unroll
    for (int k = 0; k < HELD; k += 4) {
        const Pack<Factor, 4> factors = load_pack<4>(spectrum + k * THREADS + 4 * t);
        #pragma unroll
        for (int e = 0; e < 4; e++) z[k + e] = exchanged(z[k + e] * factors.v[e]);
    }

    if (LAST > 1) {
        transform_last(z);
        close.put(z);
        __syncthreads();
        narrow.get(z);
        twiddle<SECOND>(z, later, within);
    }
    transform_16(z);
    narrow.put(z);
    __syncthreads();
    wide.get(z);
    twiddle<THREADS>(z, turns, t);
    transform_16(z);

    OUTPUT* const to = result + pair.start + first * pair.stride;
    const int most = min(valid, extent - begin);
    #pragma unroll
    for (int k = 0; k < HELD; k++) {
        const int at = t + k * THREADS - radius;
        if (at < 0 || at >= most) continue;
        if (whole) {
            pair.store<true>(to + k * step, exchanged(z[k]) + level);
        } else if (any) {
            pair.store<false>(to + k * step, exchanged(z[k]) + level);
        }
    }
}
