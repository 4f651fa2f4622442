// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Token} from "./Token.sol";

/// Pays whoever sends it one unit of another token each time, as long as it has some: a sale then shows two payments.
contract Tipper is Token {
    IERC20 private immutable _tips;

    constructor(string memory name_, string memory symbol_, address tips) Token(name_, symbol_, 18) {
        _tips = IERC20(tips);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && _tips.balanceOf(address(this)) > 0) require(_tips.transfer(from, 1));
    }
}
