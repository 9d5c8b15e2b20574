//! Coefficients as bits: which of them a scan holds, their codes, and the tables of those.

/// The high bit of a scan that changes nothing.
pub const IDLE: u8 = 13;

/// Which coefficients a scan holds, and which of their bits.
#[derive(Clone, Copy)]
pub struct Pass {
    pub from: usize,
    pub to: usize,
    pub high: u8,
    pub low: u8,
}

impl Pass {
    pub fn write(self, bits: &mut Bits, block: &[i32; 64], mean: &mut i32) {
        let mut from = self.from;
        if from == 0 {
            let value = block[0] >> self.low;
            if self.high > 0 {
                bits.push((value & 1) as u32, 1);
                return;
            }
            let difference = value - *mean;
            *mean = value;
            let size = size_of(difference);
            bits.push(size, 4);
            bits.push(amplitude(difference, size), size);
            from = 1;
        }
        if self.to == 0 {
            return;
        }
        if self.high == IDLE {
            bits.push(symbol(0), 8);
            let known = block[self.from..=self.to]
                .iter()
                .filter(|value| **value != 0);
            known.for_each(|_| bits.push(0, 1));
        } else if self.high > 0 {
            self.refine(bits, block);
        } else {
            self.detail(bits, block, from);
        }
    }

    fn detail(self, bits: &mut Bits, block: &[i32; 64], from: usize) {
        let mut run = 0;
        for &coefficient in &block[from..=self.to] {
            let value = coefficient.signum() * (coefficient.abs() >> self.low);
            if value == 0 {
                run += 1;
                continue;
            }
            while run > 15 {
                bits.push(symbol(0xF0), 8);
                run -= 16;
            }
            let size = size_of(value);
            bits.push(symbol((run << 4) as u8 | size as u8), 8);
            bits.push(amplitude(value, size), size);
            run = 0;
        }
        if run > 0 {
            bits.push(symbol(0), 8);
        }
    }

    /// One more bit: of each coefficient that has some already, and of those that get their first.
    fn refine(self, bits: &mut Bits, block: &[i32; 64]) {
        let size = |k: usize| block[k].abs() >> self.low;
        let last_new = (self.from..=self.to).rev().find(|&k| size(k) == 1);
        let (mut run, mut corrections) = (0, Vec::new());
        let band = block.iter().enumerate().take(self.to + 1).skip(self.from);
        for (k, coefficient) in band {
            if size(k) == 0 {
                run += 1;
                continue;
            }
            while run > 15 && last_new.is_some_and(|last| k <= last) {
                bits.push(symbol(0xF0), 8);
                run -= 16;
                corrections.drain(..).for_each(|bit| bits.push(bit, 1));
            }
            if size(k) > 1 {
                corrections.push((size(k) & 1) as u32);
                continue;
            }
            bits.push(symbol((run << 4) as u8 | 1), 8);
            bits.push(u32::from(*coefficient > 0), 1);
            corrections.drain(..).for_each(|bit| bits.push(bit, 1));
            run = 0;
        }
        if run > 0 || !corrections.is_empty() {
            bits.push(symbol(0), 8);
            corrections.drain(..).for_each(|bit| bits.push(bit, 1));
        }
    }
}

fn size_of(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

fn amplitude(value: i32, size: u32) -> u32 {
    let positive = if value < 0 {
        value + (1 << size) - 1
    } else {
        value
    };
    positive as u32
}

/// Twelve codes of four bits: a size is its own code.
pub fn dc_table() -> Vec<u8> {
    let mut table = vec![0x00];
    table.extend((1..=16).map(|length| if length == 4 { 12 } else { 0 }));
    table.extend(0..12);
    table
}

/// The symbols of detail: runs of zeros before a size, and the two ends.
fn ac_symbols() -> Vec<u8> {
    let sized = (0..16_u8).flat_map(|run| (1..=10).map(move |size| run << 4 | size));
    [0x00, 0xF0].into_iter().chain(sized).collect()
}

pub fn ac_table() -> Vec<u8> {
    let symbols = ac_symbols();
    let mut table = vec![0x10];
    table.extend((1..=16).map(|length| if length == 8 { symbols.len() as u8 } else { 0 }));
    table.extend(symbols);
    table
}

/// The eight bits that stand for a symbol: its place in the table.
fn symbol(wanted: u8) -> u32 {
    match (wanted >> 4, wanted & 0x0F) {
        (0, 0) => 0,
        (15, 0) => 1,
        (run, size) => 2 + u32::from(run) * 10 + u32::from(size) - 1,
    }
}

#[derive(Default)]
pub struct Bits {
    pub bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.held = self.held << 1 | (value >> at & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.held as u8);
                if self.held as u8 == 0xFF {
                    self.bytes.push(0);
                }
                (self.held, self.count) = (0, 0);
            }
        }
    }

    pub fn finish(&mut self) {
        while self.count > 0 {
            self.push(1, 1);
        }
    }
}
