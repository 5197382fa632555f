// Runs CUDA kernels on the CPU: a block's threads are fibers that switch at barriers, so what one
// reads before another wrote it is seen, in whichever order the threads run. Not modelled: warps,
// occupancy, coalescing, and the order of memory between blocks.
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)
#define __restrict__

inline float from_half(unsigned short bits) {
    _Float16 value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline unsigned short to_half(float value) {
    const _Float16 rounded = value;
    unsigned short bits;
    std::memcpy(&bits, &rounded, sizeof bits);
    return bits;
}

struct Index { unsigned x = 0, y = 0, z = 0; };
struct alignas(16) uint4 { unsigned x, y, z, w; };

namespace cpu {
constexpr size_t STACK = 1 << 17;
Index thread_index, block_index, block_extent, grid_extent;
ucontext_t scheduler;
ucontext_t* running = nullptr;
std::function<void()> kernel;

struct Fiber {
    ucontext_t context;
    Index index;
    bool done = false;
    std::unique_ptr<char[]> stack{new char[STACK]};
};
Fiber* current = nullptr;

void body() {
    kernel();
    current->done = true;
}

void barrier() {
    Fiber* self = current;
    swapcontext(&self->context, &scheduler);
}

// order: 0 first to last, 1 last to first, more: shuffled anew at every barrier.
void run_block(std::vector<Fiber>& fibers, unsigned order) {
    std::mt19937 shuffle(order);
    std::vector<size_t> turns(fibers.size());
    std::iota(turns.begin(), turns.end(), 0);
    if (order == 1) std::reverse(turns.begin(), turns.end());
    for (Fiber& fiber : fibers) {
        fiber.done = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack = {fiber.stack.get(), 0, STACK};
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, body, 0);
    }
    for (bool left = true; left;) {
        left = false;
        if (order > 1) std::shuffle(turns.begin(), turns.end(), shuffle);
        for (size_t turn : turns) {
            if (fibers[turn].done) continue;
            current = &fibers[turn];
            thread_index = current->index;
            swapcontext(&scheduler, &current->context);
            left = left || !current->done;
        }
    }
}

template <typename... Arguments, size_t... Number>
void take(void (*function)(Arguments...), void** given, std::index_sequence<Number...>) {
    kernel = [=] { function(*static_cast<std::remove_reference_t<Arguments>*>(given[Number])...); };
}

template <typename... Arguments>
void launch(
    void (*function)(Arguments...), const unsigned* grid, const unsigned* block, void** given,
    unsigned order) {
    take(function, given, std::index_sequence_for<Arguments...>{});
    block_extent = {block[0], block[1], block[2]};
    grid_extent = {grid[0], grid[1], grid[2]};
    std::vector<Fiber> fibers(block[0] * block[1] * block[2]);
    for (size_t at = 0; at < fibers.size(); at++) {
        const unsigned number = at;
        fibers[at].index = {
            number % block[0], number / block[0] % block[1], number / block[0] / block[1]};
    }
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0]; x++) {
                block_index = {x, y, z};
                run_block(fibers, order);
            }
}
}  // namespace cpu

#define threadIdx cpu::thread_index
#define blockIdx cpu::block_index
#define blockDim cpu::block_extent
#define gridDim cpu::grid_extent
#define __syncthreads cpu::barrier
inline float atomicAdd(float* at, float value) {  // threads of a block take turns
    const float before = *at;
    *at += value;
    return before;
}
using std::max;
using std::min;
