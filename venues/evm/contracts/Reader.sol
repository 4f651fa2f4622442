// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Makes many calls in one, each with its own gas and its own room for the answer. Never deployed: it is the code that an
/// eth_call puts at an unused address. Input, for each call: target (20 bytes), gas (4), words of answer (1), 1 for a call
/// that may write or 0 (1), length (2), then that many bytes of calldata. Output, for each call: a word that is 0 where
/// it failed, else 1 + the length of what it returned; then its words of answer, zero where nothing was returned. The
/// output is shorter where the gas came to its end.
contract Reader {
    fallback() external {
        assembly {
            let out := 0
            for { let at := 0 } lt(at, calldatasize()) {} {
                let head := calldataload(at)
                let limit := and(shr(64, head), 0xffffffff)
                // What a call keeps back (1/64 by EIP-150), and what is left to end in good order.
                if lt(gas(), add(limit, add(div(limit, 32), 10000))) { break }
                let room := shl(5, and(shr(56, head), 0xff))
                let size := and(shr(32, head), 0xffff)
                let answer := add(out, 32)
                let input := add(answer, room)
                calldatacopy(answer, calldatasize(), room)
                calldatacopy(input, add(at, 28), size)
                let done := 0
                switch and(shr(48, head), 0xff)
                case 0 { done := staticcall(limit, shr(96, head), input, size, answer, room) }
                default { done := call(limit, shr(96, head), 0, input, size, answer, room) }
                mstore(out, mul(done, add(1, returndatasize())))
                out := input
                at := add(at, add(28, size))
            }
            return(0, out)
        }
    }
}
