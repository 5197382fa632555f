// What all kernels share. INPUT, OUTPUT and WORK are types, given when a kernel is compiled.

// N values that travel together; aligned, so that one instruction moves them.
template <typename T, int N> struct alignas(sizeof(T) * N) Pack { T v[N]; };

template <int N, typename T> __device__ inline Pack<T, N> load_pack(const T* from) {
    return *reinterpret_cast<const Pack<T, N>*>(from);
}

template <int N, typename T> __device__ inline void store_pack(T* to, const Pack<T, N>& pack) {
    *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

#ifdef __CUDACC__  // CUDA's own header of the type is not on every machine
__device__ inline float from_half(unsigned short bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
__device__ inline unsigned short to_half(float value) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#endif

// A float of 16 bits, in memory; sums are float.
struct Half {
    unsigned short bits;
    __device__ inline operator float() const { return from_half(bits); }
};

__device__ inline float nearest(float value) { return rintf(value); }
__device__ inline double nearest(double value) { return rint(value); }

// A pixel of the result: integers are rounded to the nearest and clipped.
template <typename T> struct Pixel {
    template <typename W> static __device__ inline T of(W value) {
        const W most = static_cast<T>(-1);
        value = nearest(value);
        return static_cast<T>(value < 0 ? 0 : value > most ? most : value);
    }
};
template <> struct Pixel<Half> {
    static __device__ inline Half of(float value) { return {to_half(value)}; }
};
template <> struct Pixel<float> {
    static __device__ inline float of(float value) { return value; }
};
template <> struct Pixel<double> {
    static __device__ inline double of(double value) { return value; }
};

// A number that the compiler knows, whatever the sign of the offset.
__host__ __device__ constexpr int magnitude(int offset) { return offset < 0 ? -offset : offset; }
