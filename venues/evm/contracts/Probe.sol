// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Tries tokens as their holder: sends half of a balance to an address that was never used and has it sent back, then
/// sells what there is. Never deployed: it is the code that an eth_call puts at the wallet's own address and at that of
/// the taker. Each attempt ends in a revert, so nothing of it lasts and no token meets what another did; each call of a
/// stranger has its own gas and 128 bytes of room for its answer.
///
/// Input, from the wallet to itself: 0 (1 byte), taker (20), token that sales end in (20); then for each token: its
/// contract (20), its market, zeros for none (20), units to sell (32), length (2), and that many bytes of calldata for the
/// market. Output for each token: 46 words, as `trial` and `sale` write them; fewer tokens where the gas came to its end.
/// A call is written in seven words: 1 where it succeeded, gas used, size of the answer, four words of the answer. A
/// balance that a token does not tell is all ones.
contract Probe {
    fallback() external payable {
        assembly {
            function tried(to, limit, input, size, out) {
                calldatacopy(add(out, 96), calldatasize(), 128)
                let before := gas()
                mstore(out, call(limit, to, 0, input, size, add(out, 96), 128))
                mstore(add(out, 32), sub(before, gas()))
                mstore(add(out, 64), returndatasize())
            }

            function held(token, holder) -> units {
                mstore(0, 0x70a08231)
                mstore(32, holder)
                units := not(0)
                if staticcall(150000, token, 28, 36, 0, 32) {
                    if gt(returndatasize(), 31) { units := mload(0) }
                }
            }

            // transfer(address,uint256) and approve(address,uint256) take the same.
            function asked(token, signature, other, units, out) {
                let input := 0x1000
                mstore(input, signature)
                mstore(add(input, 32), other)
                mstore(add(input, 64), units)
                tried(token, 500000, add(input, 28), 68, out)
            }

            // Words: size of the contract, the call for the balance (7), the transfer (7), what the holder has afterwards,
            // the taker before and after, the transfer back (7), holder and taker after that, how many calls were made.
            function trial(taker, token) {
                let out := 0x200
                mstore(out, extcodesize(token))
                mstore(0, 0x70a08231)
                mstore(32, address())
                tried(token, 150000, 28, 36, add(out, 32))
                mstore(add(out, 864), 1)
                let units := mload(add(out, 128))
                if or(iszero(mload(add(out, 32))), or(lt(mload(add(out, 96)), 32), iszero(units))) { revert(out, 896) }
                // Half of it, and of a single unit all of it; the greatest number there is has no greater half.
                let half := add(shr(1, units), and(units, 1))
                mstore(add(out, 512), held(token, taker))
                asked(token, 0xa9059cbb, taker, half, add(out, 256))
                mstore(add(out, 480), held(token, address()))
                let arrived := held(token, taker)
                mstore(add(out, 544), arrived)
                mstore(add(out, 864), 2)
                if or(iszero(mload(add(out, 256))), iszero(add(arrived, 1))) { revert(out, 896) }
                let input := 0x1000
                mstore8(input, 3)
                mstore(add(input, 1), shl(96, token))
                mstore(add(input, 21), arrived)
                pop(call(700000, taker, 0, input, 53, add(out, 576), 224))
                mstore(add(out, 800), held(token, address()))
                mstore(add(out, 832), held(token, taker))
                mstore(add(out, 864), 3)
                revert(out, 896)
            }

            // Words: the approval (7), the swap (7), what the wallet has before and after, what arrived, 1.
            function sale(target, token, market, units, size) {
                let out := 0x200
                let had := held(target, address())
                mstore(add(out, 448), held(token, address()))
                asked(token, 0x095ea7b3, market, units, out)
                // A token like USDT refuses an allowance while an old one stands; whoever burned gas is not asked again.
                if and(iszero(mload(out)), lt(mload(add(out, 32)), 100000)) {
                    asked(token, 0x095ea7b3, market, 0, out)
                    if mload(out) { asked(token, 0x095ea7b3, market, units, out) }
                }
                calldatacopy(0x1000, 115, size)
                tried(market, 1500000, 0x1000, size, add(out, 224))
                mstore(add(out, 480), held(token, address()))
                let has := held(target, address())
                mstore(add(out, 512), mul(gt(has, had), sub(has, had)))
                mstore(add(out, 544), 1)
                revert(out, 576)
            }

            let mode := byte(0, calldataload(0))
            if eq(mode, 3) {
                asked(shr(96, calldataload(1)), 0xa9059cbb, caller(), calldataload(21), 0x200)
                return(0x200, 224)
            }
            // A token that calls the wallet meets what it would meet at an account without code.
            if iszero(eq(caller(), address())) { stop() }
            if eq(mode, 1) { trial(shr(96, calldataload(1)), shr(96, calldataload(41))) }
            if eq(mode, 2) {
                sale(
                    shr(96, calldataload(21)),
                    shr(96, calldataload(41)),
                    shr(96, calldataload(61)),
                    calldataload(81),
                    shr(240, calldataload(113))
                )
            }
            let out := 0
            for { let at := 41 } lt(at, calldatasize()) {} {
                // What one token may use at most.
                if lt(gas(), 6000000) { break }
                let size := add(74, shr(240, calldataload(add(at, 72))))
                calldatacopy(out, calldatasize(), 1472)
                let input := add(out, 1472)
                calldatacopy(input, 0, 41)
                calldatacopy(add(input, 41), at, size)
                mstore8(input, 1)
                pop(call(gas(), address(), 0, input, add(41, size), out, 896))
                if shr(96, calldataload(add(at, 20))) {
                    mstore8(input, 2)
                    pop(call(gas(), address(), 0, input, add(41, size), add(out, 896), 576))
                }
                at := add(at, size)
                out := input
            }
            return(0, out)
        }
    }
}
