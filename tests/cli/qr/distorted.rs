//! Labels as cameras see them: turned, blurred, noisy, seen from the side, pale. A hundred pictures
//! are made, always the same ones; nearly all must be read, and none as something else.

#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "the geometry of pictures, with numbers of our own"
)]

use espctl::qr::drawing::Drawing;
use espctl::qr::image::{PictureError, read};
use image::{DynamicImage, GrayImage, Luma};

/// What is done to a code. Each picture has one of it in a strength from mild to strong, and
/// a little of the others.
#[derive(Clone, Copy, Debug)]
struct Distortion {
    /// Degrees.
    turned: f32,
    /// Of a Gauss curve, in pixels; a module has five.
    blur: f32,
    /// Grey levels up and down.
    noise: f32,
    /// How far a corner moves, in parts of the side.
    tilt: f32,
    /// Grey levels between dark and light.
    contrast: f32,
}

#[test]
fn decodes_90_of_100_distorted_labels_and_none_wrong() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut missed = Vec::new();
    for number in 0..100_u16 {
        let label = format!(
            r#"{{"ver":"v1","name":"PROV_{number:06x}","username":"wifiprov","pop":"{:08x}","transport":"ble"}}"#,
            random.next() >> 32
        );
        let distortion = Distortion::drawn(number, &mut random);
        let picture = distortion.apply(&label, &mut random);
        match read(&picture) {
            Ok(found) => {
                let text = found.text.unwrap();
                assert_eq!(text.expose(), &label, "{distortion:?}");
            }
            Err(PictureError::NoCode) => missed.push((number, distortion)),
            Err(error) => panic!("{error}: {distortion:?}"),
        }
    }
    assert!(missed.len() <= 10, "{} missed: {missed:#?}", missed.len());
}

impl Distortion {
    fn drawn(number: u16, random: &mut Random) -> Self {
        // From 0.05 to 1, for each kind.
        let strength = f32::from(number / 5 + 1) / 20.0;
        let mut one = Self {
            turned: random.between(-8.0, 8.0),
            blur: random.between(0.3, 0.8),
            noise: random.between(0.0, 10.0),
            tilt: random.between(0.0, 0.03),
            contrast: random.between(120.0, 220.0),
        };
        match number % 5 {
            0 => one.turned = strength * 360.0,
            1 => one.blur = 0.5 + strength * 2.0,
            2 => one.noise = strength * 90.0,
            3 => one.tilt = strength * 0.16,
            _ => one.contrast = 200.0 - strength * 180.0,
        }
        one
    }

    /// A picture of the code, as a PNG.
    fn apply(self, label: &str, random: &mut Random) -> Vec<u8> {
        let png = Drawing::of(label).unwrap().png().unwrap();
        let code = image::load_from_memory(&png).unwrap().to_luma8();
        let side = (code.width() / 8) as f32;
        let (code_side, size) = (code.width() as f32, side * 5.0 * 1.3);
        let corners = self.corners(size, side * 5.0, random);
        let to_code = Projection::of(corners);
        let dark = (255.0 - self.contrast) * 0.6;
        let pixels = size as u32;
        let seen = GrayImage::from_fn(pixels, pixels, |x, y| {
            let (u, v) = to_code.inverse(x as f32 + 0.5, y as f32 + 0.5);
            let inside = (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v);
            let at = |part: f32| ((part * code_side) as u32).min(code.width() - 1);
            let is_dark = inside && code.get_pixel(at(u), at(v)).0[0] < 128;
            Luma([(if is_dark { dark } else { dark + self.contrast }) as u8])
        });
        let mut seen = DynamicImage::from(seen).blur(self.blur).into_luma8();
        for pixel in seen.pixels_mut() {
            let noisy = f32::from(pixel.0[0]) + random.between(-self.noise, self.noise);
            pixel.0[0] = noisy.clamp(0.0, 255.0) as u8;
        }
        let mut bytes = std::io::Cursor::new(Vec::new());
        seen.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    /// Where the corners of the code are in the picture: turned about its middle, then moved.
    fn corners(self, size: f32, side: f32, random: &mut Random) -> [(f32, f32); 4] {
        let (sin, cos) = self.turned.to_radians().sin_cos();
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(x, y)| {
            let reach = self.tilt * side;
            (
                size / 2.0 + (x * cos - y * sin) * side + random.between(-reach, reach),
                size / 2.0 + (x * sin + y * cos) * side + random.between(-reach, reach),
            )
        })
    }
}

/// From the unit square to four corners.
struct Projection([[f32; 3]; 3]);

impl Projection {
    /// By the usual formulas (Heckbert, 1989).
    fn of([a, b, c, d]: [(f32, f32); 4]) -> Self {
        let (dx1, dx2, dx3) = (b.0 - c.0, d.0 - c.0, a.0 - b.0 + c.0 - d.0);
        let (dy1, dy2, dy3) = (b.1 - c.1, d.1 - c.1, a.1 - b.1 + c.1 - d.1);
        let whole = dx1 * dy2 - dx2 * dy1;
        let g = (dx3 * dy2 - dx2 * dy3) / whole;
        let h = (dx1 * dy3 - dx3 * dy1) / whole;
        Self([
            [b.0 - a.0 + g * b.0, d.0 - a.0 + h * d.0, a.0],
            [b.1 - a.1 + g * b.1, d.1 - a.1 + h * d.1, a.1],
            [g, h, 1.0],
        ])
    }

    /// Where a point of the picture is in the square.
    fn inverse(&self, x: f32, y: f32) -> (f32, f32) {
        let [[a, b, c], [d, e, f], [g, h, i]] = self.0;
        let u = (e * i - f * h) * x + (c * h - b * i) * y + (b * f - c * e);
        let v = (f * g - d * i) * x + (a * i - c * g) * y + (c * d - a * f);
        let w = (d * h - e * g) * x + (b * g - a * h) * y + (a * e - b * d);
        (u / w, v / w)
    }
}

/// Always the same numbers (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        let part = (self.next() >> 40) as f32 / (1_u64 << 24) as f32;
        low + (high - low) * part
    }
}
