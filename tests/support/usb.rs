//! Serial ports on USB with emulated boards, in a mount namespace whose `/sys` and `/dev` have no
//! other ports.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::device::Device;
use super::namespace::Namespace;

/// The namespace for a test. The real `/dev` stays available for what programs require.
pub(crate) const fn ports(test: &'static str) -> Namespace {
    Namespace {
        test,
        namespaces: &["--mount"],
        set_up: "
            mount -t tmpfs none /mnt
            mkdir /mnt/dev
            mount --rbind /dev /mnt/dev
            mount -t tmpfs none /sys/class/tty
            mount -t tmpfs none /dev
            for name in null zero random urandom tty ptmx pts shm fd stdin stdout stderr; do
                ln -s /mnt/dev/$name /dev/$name
            done
        ",
    }
}

/// A port on USB as the kernel shows it, with a board on a pty.
pub(crate) struct Board {
    device: Device,
    tty: &'static str,
}

impl Board {
    pub(crate) fn plug_in(tty: &'static str, arguments: &[&str], usb: Option<[&str; 5]>) -> Self {
        let device = Device::on_serial_line(arguments);
        symlink(device.ready["pty"].as_str().unwrap(), dev(tty)).unwrap();
        // `/sys/class/tty/ttyUSB0/device` is a port of an interface of the device on the bus.
        let bus = Path::new("/sys/class/tty/.bus").join(tty);
        let port = bus.join("interface/port");
        fs::create_dir_all(&port).unwrap();
        let subsystem = match usb {
            Some(_) => "/sys/class/tty/.bus/usb-serial",
            None => "/sys/class/tty/.bus/pnp",
        };
        fs::create_dir_all(subsystem).unwrap();
        symlink(subsystem, port.join("subsystem")).unwrap();
        for (file, text) in ["idVendor", "idProduct", "manufacturer", "product", "serial"]
            .into_iter()
            .zip(usb.into_iter().flatten())
        {
            fs::write(bus.join(file), format!("{text}\n")).unwrap();
        }
        fs::create_dir_all(class(tty)).unwrap();
        symlink(&port, Path::new(&class(tty)).join("device")).unwrap();
        Self { device, tty }
    }

    pub(crate) fn count_log_entries(&self, event: &str) -> usize {
        self.device.log_entries(event).len()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        fs::remove_file(dev(self.tty)).unwrap();
        fs::remove_dir_all(class(self.tty)).unwrap();
    }
}

fn dev(tty: &str) -> String {
    format!("/dev/{tty}")
}

fn class(tty: &str) -> String {
    format!("/sys/class/tty/{tty}")
}

pub(crate) const CP2102: [&str; 5] = [
    "10c4",
    "ea60",
    "Silicon Labs",
    "CP2102N USB to UART Bridge Controller",
    "0001",
];
pub(crate) const CH340: [&str; 5] = ["1a86", "7523", "QinHeng", "CH340 \x1b[31mred", ""];
