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

// Transforms of COUNT samples that lie STEP apart, in place.
template <int COUNT, int STEP> struct Transform;

template <int STEP> struct Transform<1, STEP> {
    static __device__ inline void of(Complex*) {}
};
template <int STEP> struct Transform<2, STEP> {
    static __device__ inline void of(Complex* z) {
        const Complex sum = z[0] + z[STEP], difference = z[0] - z[STEP];
        z[0] = sum, z[STEP] = difference;
    }
};
template <int STEP> struct Transform<4, STEP> {
    static __device__ inline void of(Complex* z) {
        const Complex even = z[0] + z[2 * STEP], beside = z[0] - z[2 * STEP];
        const Complex odd = z[STEP] + z[3 * STEP], across = turned(z[STEP] - z[3 * STEP]);
        z[0] = even + odd, z[STEP] = beside + across;
        z[2 * STEP] = even - odd, z[3 * STEP] = beside - across;
    }
};
template <int STEP> struct Transform<8, STEP> {
    static __device__ inline void of(Complex* z) {
        constexpr float HALF = 0.70710678118654752f;  // the root of it
        Transform<4, 2 * STEP>::of(z);
        Transform<4, 2 * STEP>::of(z + STEP);
        const Complex a = z[STEP], b = z[3 * STEP], c = z[5 * STEP], d = z[7 * STEP];
        const Complex odd[4] = {
            a, Complex{b.re + b.im, b.im - b.re} * HALF, turned(c),
            Complex{d.im - d.re, -d.re - d.im} * HALF};
        Complex even[4];
        #pragma unroll
        for (int k = 0; k < 4; k++) even[k] = z[2 * k * STEP];
        #pragma unroll
        for (int k = 0; k < 4; k++) {
            z[k * STEP] = even[k] + odd[k];
            z[(k + 4) * STEP] = even[k] - odd[k];
        }
    }
};
template <int STEP> struct Transform<16, STEP> {
    static __device__ inline void of(Complex* z) {
        constexpr float COS = 0.92387953251128676f, SIN = 0.38268343236508977f;  // of pi/8
        constexpr float HALF = 0.70710678118654752f;
        #pragma unroll
        for (int k = 0; k < 4; k++) Transform<4, 4 * STEP>::of(z + k * STEP);
        // sample k of the f-th of these, times exp(-2*pi*i*f*k/16)
        const auto at = [&](int f, int k) -> Complex& { return z[(4 * f + k) * STEP]; };
        const auto eighth = [](Complex a) { return Complex{a.re + a.im, a.im - a.re} * HALF; };
        at(1, 1) = at(1, 1) * Complex{COS, -SIN};
        at(1, 2) = eighth(at(1, 2));
        at(1, 3) = at(1, 3) * Complex{SIN, -COS};
        at(2, 1) = eighth(at(2, 1));
        at(2, 2) = turned(at(2, 2));
        at(2, 3) = turned(eighth(at(2, 3)));
        at(3, 1) = at(3, 1) * Complex{SIN, -COS};
        at(3, 2) = turned(eighth(at(3, 2)));
        at(3, 3) = at(3, 3) * Complex{-COS, SIN};
        #pragma unroll
        for (int f = 0; f < 4; f++) Transform<4, STEP>::of(z + 4 * f * STEP);
        // frequency f + 4*g lies at 4*f + g
        Complex sorted[16];
        #pragma unroll
        for (int f = 0; f < 4; f++) {
            #pragma unroll
            for (int g = 0; g < 4; g++) sorted[f + 4 * g] = at(f, g);
        }
        #pragma unroll
        for (int f = 0; f < 16; f++) z[f * STEP] = sorted[f];
    }
};

// Multiplies by what lies in a table of COUNT a row, one row for each sample held.
template <int COUNT> __device__ inline void twiddle(
    Complex (&z)[HELD], const Complex* __restrict__ factors, int column) {
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

// The pair of lines that a thread works on.
struct Pair {
    long long start;   // of the first, from the image's first value
    long long apart;   // the second's start from it
    long long stride;  // from sample to sample
    bool both;         // an odd number of lines leaves one alone
    bool packed;       // both samples can be moved at once

    __device__ inline Complex load(const INPUT* __restrict__ image, long long sample) const {
        const INPUT* from = image + start + sample * stride;
        if (packed) {
            const Pack<INPUT, 2> two = load_pack<2>(from);
            return {static_cast<float>(two.v[0]), static_cast<float>(two.v[1])};
        }
        return {static_cast<float>(*from), both ? static_cast<float>(from[apart]) : 0.0f};
    }
    __device__ inline void store(
        OUTPUT* __restrict__ result, long long sample, Complex pixels) const {
        OUTPUT* to = result + start + sample * stride;
        const OUTPUT first = Pixel<OUTPUT>::of(pixels.re), second = Pixel<OUTPUT>::of(pixels.im);
        if (packed) {
            store_pack(to, Pack<OUTPUT, 2>{{first, second}});
        } else {
            *to = first;
            if (both) to[apart] = second;
        }
    }
};

extern "C" __global__ void __launch_bounds__(BLOCK) fft(
    const INPUT* __restrict__ image, OUTPUT* __restrict__ result,
    const int* __restrict__ source,         // of sample x at x + radius; -1 where there is none
    const Complex* __restrict__ turns,      // of the first step, and then of the second
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
        ? Pair{column, 1, pitch, both, aligned && both}
        : Pair{row * pitch + column, pitch, together, both, false};

    // Transforms of a large level would lose digits of what varies.
    Complex z[HELD] = {}, level = {};
    if (any) {
        level = pair.load(image, begin);
        const bool inside = begin >= radius && begin - radius + LENGTH <= extent;
        #pragma unroll
        for (int k = 0; k < HELD; k++) {
            const int at = begin + t + k * THREADS;  // in the table
            const int from = inside ? at - radius : at < extent + 2 * radius ? source[at] : -1;
            z[k] = (from < 0 ? Complex{outside, outside} : pair.load(image, from)) - level;
        }
    }

    constexpr int SECOND = THREADS / 16;  // threads that share a part of the second step
    Complex* const mine = shared + line * LINE;
    const int part = t / SECOND, within = t % SECOND;
    const Places<THREADS> wide = {mine + t + t / 16};
    const Places<SECOND> narrow = {mine + part * (THREADS + THREADS / 16) + within};
    const Places<1> close = {mine + t * 17};
    const Complex* const later = turns + LENGTH;

    Transform<16, 1>::of(z);
    twiddle<THREADS>(z, turns, t);
    wide.put(z);
    __syncthreads();
    narrow.get(z);
    Transform<16, 1>::of(z);
    if (LAST > 1) {
        twiddle<SECOND>(z, later, within);
        narrow.put(z);
        __syncthreads();
        close.get(z);
        #pragma unroll
        for (int k = 0; k < HELD; k += LAST) Transform<LAST, 1>::of(z + k);
    }

    #pragma unroll
    for (int k = 0; k < HELD; k += 4) {
        const Pack<Factor, 4> factors = load_pack<4>(spectrum + k * THREADS + 4 * t);
        #pragma unroll
        for (int e = 0; e < 4; e++) z[k + e] = exchanged(z[k + e] * factors.v[e]);
    }

    if (LAST > 1) {
        #pragma unroll
        for (int k = 0; k < HELD; k += LAST) Transform<LAST, 1>::of(z + k);
        close.put(z);
        __syncthreads();
        narrow.get(z);
        twiddle<SECOND>(z, later, within);
    }
    Transform<16, 1>::of(z);
    narrow.put(z);
    __syncthreads();
    wide.get(z);
    twiddle<THREADS>(z, turns, t);
    Transform<16, 1>::of(z);

    #pragma unroll
    for (int k = 0; k < HELD; k++) {
        const int at = t + k * THREADS - radius;
        if (any && at >= 0 && at < valid && begin + at < extent) {
            pair.store(result, begin + at, exchanged(z[k]) + level);
        }
    }
}
