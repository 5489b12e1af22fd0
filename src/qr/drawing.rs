//! Draws a text as a QR code: for a terminal, as a PNG, as an SVG.

use std::fmt;
use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::{DynamicImage, GrayImage, ImageError, Luma};
use qrcode::render::svg;
use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, EcLevel, QrCode};
use thiserror::Error;

/// The QR code of a text.
pub struct Drawing(QrCode);

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The code reveals its text, which contains a PoP.
        f.write_str("Drawing(<redacted>)")
    }
}

/// The colors of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Light text on a dark background, as in most terminals: the text draws the light part of the code.
    LightOnDark,
    /// Dark text on a light background.
    DarkOnLight,
}

/// A text that is too long for a QR code.
#[derive(Debug, Error)]
#[error("{length} bytes are more than a QR code holds")]
pub struct TooLong {
    /// Of the text, in bytes.
    pub length: usize,
}

impl Drawing {
    /// Encodes a text.
    pub fn of(text: &str) -> Result<Self, TooLong> {
        QrCode::with_error_correction_level(text, EcLevel::M)
            .map(Self)
            .map_err(|_| TooLong { length: text.len() })
    }

    /// Draws lines of half blocks, with the quiet zone.
    pub fn lines(&self, terminal: Terminal) -> Vec<String> {
        let (dark, light) = match terminal {
            Terminal::LightOnDark => (Dense1x2::Light, Dense1x2::Dark),
            Terminal::DarkOnLight => (Dense1x2::Dark, Dense1x2::Light),
        };
        let mut renderer = self.0.render::<Dense1x2>();
        let text = renderer
            .dark_color(dark)
            .light_color(light)
            .module_dimensions(1, 1)
            .build();
        text.lines().map(str::to_owned).collect()
    }

    /// Draws a PNG, black on white.
    pub fn png(&self) -> Result<Vec<u8>, ImageError> {
        let width = u32::try_from(self.0.width()).unwrap_or(u32::MAX);
        let side = width.saturating_add(2 * QUIET).saturating_mul(SIZE);
        let picture = GrayImage::from_fn(side, side, |x, y| {
            Luma([if self.is_dark(x / SIZE, y / SIZE) {
                0
            } else {
                255
            }])
        });
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(picture).write_with_encoder(PngEncoder::new(&mut bytes))?;
        Ok(bytes.into_inner())
    }

    /// Draws an SVG, black on white.
    pub fn svg(&self) -> String {
        self.0
            .render::<svg::Color<'_>>()
            .module_dimensions(SIZE, SIZE)
            .build()
    }

    /// Whether a module is dark, counted with the quiet zone.
    fn is_dark(&self, x: u32, y: u32) -> bool {
        let place = |at: u32| usize::try_from(at.checked_sub(QUIET)?).ok();
        let inside = |at: &usize| *at < self.0.width();
        let at = place(x).filter(inside).zip(place(y).filter(inside));
        at.is_some_and(|at| self.0[at] == Color::Dark)
    }
}

/// Modules around the code that stay light (ISO/IEC 18004).
const QUIET: u32 = 4;
/// The side of a module, in pixels.
const SIZE: u32 = 8;
