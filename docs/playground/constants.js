// What both the page and its worker need to know.
const CLASSES = 3;
const SIZES = { train: 300, val: 201 };
const PIXELS = 64; // of a digit, 8 x 8
const HIDDEN = 64; // as in `mla_core`'s encoder of vectors
const FEATURES = 16;
const BATCH = 32;
const LOOK_EVERY = 20; // sub-steps between two points of the curves
const LONGEST = 10000; // sub-steps of a session
const GRID = 32; // places of a decision surface along each side
const REACH = 1.25; // a surface goes from -REACH to REACH
