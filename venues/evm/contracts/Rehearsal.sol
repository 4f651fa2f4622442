// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

interface Token {
    function balanceOf(address owner) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
}

/// Tries the legs of a batch one after the other, from the account that would send it, and measures each. Never deployed:
/// it is the code that an eth_call puts at the account's own address. A leg that fails is undone and leaves the others
/// as they would be without it.
contract Rehearsal {
    /// `spender` is allowed `units` of `token` before `market` is called with `data`; zero allows nobody. With `atMost`
    /// less may be spent, and the rest of the allowance is taken back; else all of it has to be. What arrives is the
    /// change of what `holder` has of `proceeds`, zero for the chain's coin.
    struct Leg {
        address token;
        uint256 units;
        address spender;
        address market;
        bytes data;
        address proceeds;
        address holder;
        bool atMost;
    }

    /// `allowed` says that the spender might take something before; `reason` is why a leg was not done.
    struct Result {
        bool done;
        bool allowed;
        uint256 gasUsed;
        uint256 spent;
        uint256 received;
        bytes reason;
    }

    receive() external payable {}

    function rehearse(Leg[] calldata legs, uint256 limit) external returns (Result[] memory results) {
        results = new Result[](legs.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            uint256 before = gasleft();
            // What a call keeps back (1/64 by EIP-150), and what is left to end in good order.
            if (before < limit + limit / 32 + 100_000) {
                results[i].reason = "gas";
                continue;
            }
            try this.alone{gas: limit}(legs[i]) returns (bool allowed, uint256 spent, uint256 received) {
                results[i] = Result(true, allowed, before - gasleft(), spent, received, "");
            } catch (bytes memory reason) {
                results[i].reason = reason;
            }
        }
    }

    function alone(Leg calldata leg) external returns (bool allowed, uint256 spent, uint256 received) {
        uint256 spendable = Token(leg.token).balanceOf(address(this));
        uint256 had = _proceeds(leg);
        if (leg.spender != address(0)) {
            allowed = Token(leg.token).allowance(address(this), leg.spender) != 0;
            if (allowed) _approve(leg, 0);
            _approve(leg, leg.units);
        }
        (bool sold, bytes memory answer) = leg.market.call(leg.data);
        if (!sold) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        if (leg.spender != address(0)) {
            if (leg.atMost) _approve(leg, 0);
            require(Token(leg.token).allowance(address(this), leg.spender) == 0, "allowance left");
        }
        spent = spendable - Token(leg.token).balanceOf(address(this));
        require(leg.atMost ? spent <= leg.units : spent == leg.units, "other amount");
        received = _proceeds(leg) - had;
    }

    /// Tokens that return nothing are as good as those that return true.
    function _approve(Leg calldata leg, uint256 units) private {
        (bool done, bytes memory answer) =
            leg.token.call(abi.encodeWithSignature("approve(address,uint256)", leg.spender, units));
        require(done && (answer.length == 0 || abi.decode(answer, (bool))), "approve");
    }

    function _proceeds(Leg calldata leg) private view returns (uint256) {
        return leg.proceeds == address(0) ? leg.holder.balance : Token(leg.proceeds).balanceOf(leg.holder);
    }
}
