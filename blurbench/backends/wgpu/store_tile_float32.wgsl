fn store_tile(start: u32, values: u32, rows: u32, thread: u32) {
    for (var i = thread; i < values; i += THREADS) {
        for (var row = 0u; row < rows; row++) {
            store(start + row * shape.row + i, tile_value(i, row));
        }
    }
}
