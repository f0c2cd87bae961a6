//! Inputs from inputs: bits, bytes, pieces and words are changed, the same way in every run.

/// Values that readers get wrong most easily.
const ODD: [u8; 14] = [0, 1, 2, 0x7F, 0x80, 0x81, 0xFE, 0xFF, b'0', b'9', b'[', b']', b'%', b'"'];

/// A stream of mutations.
pub struct Mutator {
    state: u64,
    words: &'static [&'static [u8]],
}

impl Mutator {
    /// One that also puts in these words.
    pub fn new(words: &'static [&'static [u8]]) -> Self {
        Self { state: 0x7011_6A7E, words }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound
    }

    /// `input`, changed in one to six places, with a piece of `other` at times.
    pub fn mutated(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut out = input.to_vec();
        for _change in 0..=self.below(6) {
            self.change(&mut out, other);
        }
        out
    }

    fn change(&mut self, out: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(out.len() + 1);
        let len = self.below(12.min(out.len() - at) + 1);
        match self.below(10) {
            0 | 1 if at < out.len() => out[at] ^= 1 << self.below(8),
            2 if at < out.len() => out[at] = ODD[self.below(ODD.len())],
            3 if at < out.len() => out[at] = self.next() as u8,
            4 => drop(out.drain(at..at + len)),
            5 => {
                let piece = out[at..at + len].to_vec();
                let times = 1 + self.below(6);
                out.splice(at..at, piece.repeat(times));
            }
            6 => {
                let from = self.below(other.len() + 1);
                let until = from + self.below(40.min(other.len() - from) + 1);
                out.splice(at..at + len, other[from..until].iter().copied());
            }
            7 | 8 => {
                let word = self.words[self.below(self.words.len())];
                out.splice(at..at, word.iter().copied());
            }
            _last => out.truncate(at.max(1)),
        }
    }
}
