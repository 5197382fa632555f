// A thread makes a word at a time.
fn store_tile(start: u32, values: u32, rows: u32, thread: u32) {
    let words = values / 4u + 2u;  // a row's values may begin and end within a word
    for (var i = thread; i < words * rows; i += THREADS) {
        let row = i / words;
        let begin = start + row * shape.row;
        let word = begin / 4u + i % words;
        var bits = 0u;
        var mask = 0u;
        for (var byte = 0u; byte < 4u; byte++) {
            let at = word * 4u + byte;
            if at >= begin && at < begin + values {
                bits |= rounded(tile_value(at - begin, row)) << (byte * 8u);
                mask |= 255u << (byte * 8u);
            }
        }
        store_word(word, bits, mask);
    }
}
