//! Single kernels on every kind of machine that this one can be, by layers of the networks that
//! `cargo xtask bench` races: `cargo bench -p bench [-- FILTER]`. Throughput is in
//! multiply-accumulates of the convolution's definition.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use steer8::kernels::conv::{Buffers, Conv, Shape};
use steer8::kernels::geometry::Window;
use steer8::kernels::requantize::Requantize;
use steer8::kernels::store::{ToCodes, ToFloats};
use steer8::kernels::{Bytes, Floats, Integers, Machine, Multiplier, Products};

/// A layer with square planes and windows, padded so that an output is as large as the input over
/// the stride.
struct Layer {
    name: &'static str,
    pixels: usize,
    kernel: usize,
    stride: usize,
    channels: [usize; 2],
    groups: usize,
}

const LAYERS: [Layer; 7] = [
    layer("assignment's first", 96, 5, 2, [3, 16], 1),
    layer("assignment's third", 24, 3, 2, [32, 48], 1),
    layer("mobilenet, 1x1", 24, 1, 1, [72, 24], 1),
    layer("mobilenet, depthwise", 24, 3, 1, [72, 72], 72),
    layer("resnet18, 3x3 of 64 channels", 24, 3, 1, [64, 64], 1),
    layer("resnet18, 3x3 of 256 channels", 6, 3, 1, [256, 256], 1),
    layer("resnet18, 3x3 of 512 channels", 3, 3, 1, [512, 512], 1),
];

const fn layer(
    name: &'static str,
    pixels: usize,
    kernel: usize,
    stride: usize,
    channels: [usize; 2],
    groups: usize,
) -> Layer {
    Layer { name, pixels, kernel, stride, channels, groups }
}

impl Layer {
    fn shape(&self) -> Shape {
        let Self { pixels, kernel, stride, channels, groups, .. } = *self;
        Shape {
            window: Window {
                input: [pixels; 2],
                output: [pixels / stride; 2],
                kernel: [kernel; 2],
                stride: [stride; 2],
                dilation: [1; 2],
                pad: [(kernel - 1) / 2; 2],
            },
            groups,
            channels_in: channels[0],
            channels_out: channels[1],
        }
    }
}

/// Numbers of no meaning, from -127 to 127.
fn numbers(count: usize) -> impl Iterator<Item = i16> {
    (0..count).map(|i| (i * 37 % 255) as i16 - 127)
}

/// A convolution with everything that it needs, `run` once a call.
fn convolution<A: Multiplier>(
    arithmetic: A,
    shape: &Shape,
    element: impl Fn(i16) -> A::Element,
    mut run: impl FnMut(&Conv<A>, &mut Buffers<A::Element, A::Sum>),
) -> impl FnMut() {
    let count = shape.channels_out * shape.k();
    let weights: Vec<A::Element> = numbers(count).map(&element).collect();
    let x: Vec<A::Element> = numbers(shape.input_len()).map(element).collect();
    let conv = Conv::new(arithmetic, shape.clone(), &weights);
    let mut buffers = Buffers::default();
    move || {
        conv.pad(&x, A::Element::default(), &mut buffers.padded, |x| x);
        run(&conv, &mut buffers);
    }
}

fn of_floats(floats: Floats, shape: &Shape) -> impl FnMut() {
    let (bias, mut out) = (vec![0.5; shape.channels_out], vec![0.0; shape.output_len()]);
    convolution(floats, shape, f32::from, move |conv, Buffers { padded, squares }| {
        conv.run(padded, squares, &mut ToFloats::new(&bias, [0.0, f32::INFINITY], &mut out));
    })
}

fn of_integers<A: Multiplier<Sum = i32>>(
    arithmetic: A,
    shape: &Shape,
    element: impl Fn(i16) -> A::Element,
) -> impl FnMut() {
    let (bias, mut out) = (vec![7; shape.channels_out], vec![0; shape.output_len()]);
    let requantize = Requantize::new(vec![1e-4; shape.channels_out], 128, [0, 255]);
    convolution(arithmetic, shape, element, move |conv, Buffers { padded, squares }| {
        conv.run(padded, squares, &mut ToCodes::new(&bias, &requantize, &mut out));
    })
}

fn convolutions(criterion: &mut Criterion) {
    for layer in LAYERS {
        let shape = layer.shape();
        let macs = shape.output_len() * shape.k();
        let mut group = criterion.benchmark_group(layer.name);
        group.throughput(Throughput::Elements(macs as u64));
        for machine in Machine::available() {
            let products = Products::Fused;
            let mut run = of_floats(Floats { machine, products }, &shape);
            group.bench_function(format!("float, {machine}"), |b| b.iter(&mut run));
            let products = Products::Rounded;
            let mut run = of_floats(Floats { machine, products }, &shape);
            group.bench_function(format!("float for calibration, {machine}"), |b| b.iter(&mut run));
            let mut run = of_integers(Integers { machine }, &shape, |x| x);
            group.bench_function(format!("int8 in words, {machine}"), |b| b.iter(&mut run));
            if machine.multiplies_bytes() {
                let mut run = of_integers(Bytes { machine }, &shape, |x| x as u8);
                group.bench_function(format!("int8 in bytes, {machine}"), |b| b.iter(&mut run));
            }
        }
    }
}

criterion_group!(kernels, convolutions);
criterion_main!(kernels);
