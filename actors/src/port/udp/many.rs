//! Runs of datagrams to many destinations with one system call: `sendmmsg(2)`, each run cut apart by the kernel
//! (`UDP_SEGMENT`, udp(7)). `quinn-udp` sends to one destination at a time.

#![expect(
    unsafe_code,
    reason = "no crate that we know sends many messages of different segment sizes with one system call"
)]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{from_mut, null_mut};

use quinn_udp::Transmit;
use socket2::SockAddr;

/// Messages of one system call. More gain nothing: the call is a small part of what they cost together.
pub(crate) const MOST: usize = 64;

/// Room for a segment size and for an address to send from.
const CONTROL: usize = 80;

/// Control messages begin where a `cmsghdr` may.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// What the kernel is told, used again for every call. Nothing in it points anywhere between calls.
#[derive(Default)]
pub(super) struct Headers {
    addresses: Vec<SockAddr>,
    controls: Vec<Control>,
}

impl Headers {
    /// Sends the first of `transmits`, [`MOST`] at most; how many the kernel took.
    ///
    /// # Errors
    ///
    /// The kernel did not take the first.
    pub(super) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        transmits: &[Transmit<'_>],
    ) -> io::Result<usize> {
        let transmits = &transmits[..transmits.len().min(MOST)];
        self.addresses.clear();
        let destinations = transmits.iter().map(|transmit| transmit.destination.into());
        self.addresses.extend(destinations);
        while self.controls.len() < transmits.len() {
            self.controls.push(Control([0; CONTROL]));
        }
        let mut slices: [libc::iovec; MOST] = std::array::from_fn(|at| libc::iovec {
            iov_base: transmits.get(at).map_or(null_mut(), |transmit| {
                transmit.contents.as_ptr().cast_mut().cast()
            }),
            iov_len: transmits
                .get(at)
                .map_or(0, |transmit| transmit.contents.len()),
        });
        // SAFETY: both are plain data of C, for which all zeros mean that nothing is there.
        let mut messages: [libc::mmsghdr; MOST] = unsafe { zeroed() };
        let parts = self.addresses.iter().zip(&mut self.controls).zip(transmits);
        let parts = parts.zip(messages.iter_mut().zip(&mut slices));
        for (((address, control), transmit), (message, slice)) in parts {
            let header = &mut message.msg_hdr;
            header.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_namelen = address.len();
            header.msg_iov = slice;
            header.msg_iovlen = 1;
            write_control(header, control, transmit);
        }
        let count = libc::c_uint::try_from(transmits.len()).unwrap_or(0);
        // SAFETY: `count` headers are filled; what they point at (addresses, slices, contents, controls) lives until
        // after the call and is not moved, and the kernel writes to none of it but `msg_len`.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// The segment size, and the address to send from where that matters.
fn write_control(header: &mut libc::msghdr, control: &mut Control, transmit: &Transmit<'_>) {
    let segment = transmit
        .segment_size
        .filter(|&size| size < transmit.contents.len())
        .and_then(|size| u16::try_from(size).ok());
    if segment.is_none() && transmit.src_ip.is_none() {
        return;
    }
    header.msg_control = from_mut(control).cast();
    header.msg_controllen = CONTROL;
    let mut used = 0;
    // SAFETY: `CMSG_FIRSTHDR` gives a place in `control`, which is aligned and has room for both messages (asserted by a
    // test), and `CMSG_NXTHDR` the place after the one that was written last.
    unsafe {
        let mut place = libc::CMSG_FIRSTHDR(header);
        if let Some(segment) = segment {
            used += put(place, libc::SOL_UDP, libc::UDP_SEGMENT, segment);
            place = libc::CMSG_NXTHDR(header, place);
        }
        match transmit.src_ip {
            None => {}
            Some(IpAddr::V4(source)) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: libc::in_addr {
                        s_addr: u32::from_ne_bytes(source.octets()),
                    },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                used += put(place, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
            }
            Some(IpAddr::V6(source)) => {
                let info = libc::in6_pktinfo {
                    ipi6_ifindex: 0,
                    ipi6_addr: libc::in6_addr {
                        s6_addr: source.octets(),
                    },
                };
                used += put(place, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
            }
        }
    }
    header.msg_controllen = used;
}

/// Writes one control message; how much room it takes.
///
/// # Safety
///
/// `place` is where one may be written, with room for a `T`.
unsafe fn put<T>(place: *mut libc::cmsghdr, level: i32, kind: i32, value: T) -> usize {
    let length = u32::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: as promised by the caller; the value may stand unaligned.
    unsafe {
        (*place).cmsg_level = level;
        (*place).cmsg_type = kind;
        (*place).cmsg_len = libc::CMSG_LEN(length) as usize;
        libc::CMSG_DATA(place).cast::<T>().write_unaligned(value);
        libc::CMSG_SPACE(length) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;

    fn socket(address: &str) -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind(address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    fn received(socket: &UdpSocket, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut buffer = [0; 2000];
        let mut next = || {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            (from, buffer[..length].to_vec())
        };
        (0..count).map(|_| next()).collect()
    }

    fn transmit(destination: SocketAddr, contents: &[u8], segment: Option<usize>) -> Transmit<'_> {
        Transmit {
            destination,
            ecn: None,
            contents,
            segment_size: segment,
            src_ip: None,
        }
    }

    #[test]
    fn runs_of_different_segments_reach_different_destinations_whole_and_in_order() {
        let ((sender, _), (one, to_one), (two, to_two)) = (
            socket("127.0.0.1:0"),
            socket("127.0.0.1:0"),
            socket("127.0.0.1:0"),
        );
        let run: Vec<u8> = (0..250).collect();
        let all = [
            transmit(to_one, &run, Some(100)),
            transmit(to_two, &run[..60], Some(20)),
            transmit(to_one, b"single", None),
            transmit(to_two, b"alone", Some(1000)),
        ];
        let mut headers = Headers::default();
        for _ in 0..2 {
            assert_eq!(headers.send(sender.as_fd(), &all).unwrap(), 4);
            let contents = |socket, count| -> Vec<Vec<u8>> {
                let all = received(socket, count).into_iter();
                all.map(|(_, contents)| contents).collect()
            };
            assert_eq!(
                contents(&one, 4),
                [&run[..100], &run[100..200], &run[200..], b"single"]
            );
            assert_eq!(
                contents(&two, 4),
                [&run[..20], &run[20..40], &run[40..60], b"alone"]
            );
        }
    }

    #[test]
    fn a_run_leaves_from_the_address_that_it_should() {
        let (receiver, address) = socket("127.0.0.1:0");
        let (sender, _) = socket("0.0.0.0:0");
        let all = [Transmit {
            src_ip: Some([127, 0, 0, 7].into()),
            ..transmit(address, &[1; 30], Some(10))
        }];
        Headers::default().send(sender.as_fd(), &all).unwrap();
        let from = received(&receiver, 3);
        assert!(
            from.iter()
                .all(|(from, _)| from.ip().to_string() == "127.0.0.7")
        );

        let (receiver, address) = socket("[::1]:0");
        let (sender, _) = socket("[::]:0");
        let all = [Transmit {
            src_ip: Some(std::net::Ipv6Addr::LOCALHOST.into()),
            ..transmit(address, &[1; 30], Some(10))
        }];
        Headers::default().send(sender.as_fd(), &all).unwrap();
        assert_eq!(received(&receiver, 3).len(), 3);
    }

    #[test]
    fn what_the_kernel_does_not_take_is_told_and_what_was_before_it_is_sent() {
        let ((sender, _), (receiver, address)) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let nowhere = ([127, 0, 0, 1], 0).into();
        let all = [
            transmit(address, b"good", None),
            transmit(nowhere, b"bad", None),
            transmit(address, b"later", None),
        ];
        let mut headers = Headers::default();
        assert_eq!(headers.send(sender.as_fd(), &all).unwrap(), 1);
        assert!(headers.send(sender.as_fd(), &all[1..]).is_err());
        assert_eq!(headers.send(sender.as_fd(), &all[2..]).unwrap(), 1);
        assert_eq!(received(&receiver, 2)[1].1, b"later");
    }

    #[test]
    fn no_more_are_sent_than_there_is_room_for() {
        let ((sender, _), (_receiver, address)) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let all = vec![transmit(address, b"x", None); MOST + 10];
        let sent = Headers::default().send(sender.as_fd(), &all).unwrap();
        assert_eq!(sent, MOST);
    }

    #[test]
    fn both_control_messages_have_room() {
        let space = |length: usize| {
            // SAFETY: it only counts.
            unsafe { libc::CMSG_SPACE(u32::try_from(length).unwrap()) as usize }
        };
        let both = space(size_of::<u16>()) + space(size_of::<libc::in6_pktinfo>());
        assert!(both <= CONTROL, "{both}");
    }
}
